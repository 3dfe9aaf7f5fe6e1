-- name: lock_chain
select pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 1))

-- name: known_submission
select id, version from egisz.submission
where client = $1 and organisation = $2 and identity = $3 and content_digest = $4

-- name: insert_submission
insert into egisz.submission (
    id, client, organisation, identity, content_digest, chain, media_type, fhir_version, payload_id, state, give_up_at,
    version
)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce(max(version), 0) + 1
from egisz.submission
where client = $2 and organisation = $3 and identity = $4
returning *

-- name: submission
select * from egisz.submission where id = $1

-- name: waits_in_chain
select exists (
    select from egisz.submission where chain = $1 and seq < $2 and state in ('accepted', 'held')
)

-- name: next_in_chain
select id, step, state from egisz.submission
where chain = $1 and seq > $2 and state in ('accepted', 'held')
order by seq limit 1

-- name: move_submission
update egisz.submission
set state = $3, step = step + 1, changed_at = now(), error = $4, findings = coalesce($5::jsonb, findings),
    attempts = case when $6 then 0 else attempts end, give_up_at = coalesce($7, give_up_at)
where id = $1 and step = $2
returning *

-- name: fail_submission
update egisz.submission set attempts = attempts + 1, error = $3 where id = $1 and step = $2 returning attempts

-- name: record_submission_move
insert into egisz.move (submission_id, name, before, after) values ($1, $2, $3, $4)

-- name: submission_moves
select name, before, after, at from egisz.move where submission_id = $1 order by id
