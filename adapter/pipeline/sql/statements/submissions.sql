-- name: lock_chain
select pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 1))

-- name: lock_identity_and_chain
select pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 1)),
    pg_advisory_xact_lock(hashtextextended(encode($2::bytea, 'hex'), 1))

-- name: accept
-- One statement, because every acknowledgement waits for it: the submission that is known, or a new one with its payload.
with known as (
    select id, version, seq, false as created from egisz.submission
    where client = $2 and organisation = $3 and identity = $4 and content_digest = $5
), sealed as (
    insert into egisz.payload (purpose, key_id, nonce, data)
    select $11, $12, $13, $14 where not exists (select from known)
    returning id
), made as (
    insert into egisz.submission (
        id, client, organisation, identity, content_digest, chain, media_type, fhir_version, payload_id, state, give_up_at,
        version
    )
    select $1, $2, $3, $4, $5, $6, $7, $8, sealed.id, $9, $10, (
        select coalesce(max(version), 0) + 1 from egisz.submission
        where client = $2 and organisation = $3 and identity = $4
    )
    from sealed
    returning id, version, seq, true as created
), moved as (
    insert into egisz.move (submission_id, name, before, after) select id, $15, null, $9 from made
)
select found.*, exists (
    select from egisz.submission where chain = $6 and state in ('accepted', 'held')
) as waits
from (select * from known union all select * from made) found

-- name: submission
select * from egisz.submission where id = $1

-- name: submission_to_convert
select submission.*, payload.key_id as bundle_key, payload.nonce as bundle_nonce, payload.data as bundle_data, exists (
    select from egisz.submission earlier
    where earlier.chain = submission.chain and earlier.seq < submission.seq and earlier.state in ('accepted', 'held')
) as waits
from egisz.submission
left join egisz.payload on payload.id = submission.payload_id
where submission.id = $1

-- name: move_submission
-- The move, its line in the history, whether the row waits, and (where $10, the state is final) who waited for it.
with moved as (
    update egisz.submission
    set state = $3, step = step + 1, changed_at = now(), error = $4, findings = coalesce($5::jsonb, findings),
        attempts = case when $6 then 0 else attempts end, give_up_at = coalesce($7, give_up_at)
    where id = $1 and step = $2
    returning *
), told as (
    insert into egisz.move (submission_id, name, before, after) select id, $8, $9, state from moved
)
select moved.*, following.id as next_id, following.step as next_step, exists (
    select from egisz.submission earlier
    where earlier.chain = moved.chain and earlier.seq < moved.seq and earlier.state in ('accepted', 'held')
) as waits
from moved
left join lateral (
    select id, step, state from egisz.submission later
    where later.chain = moved.chain and later.seq > moved.seq and later.state in ('accepted', 'held')
    order by seq limit 1
) following on $10 and following.state = 'accepted'

-- name: fail_submission
update egisz.submission set attempts = attempts + 1, error = $3 where id = $1 and step = $2 returning attempts

-- name: submission_moves
select name, before, after, at from egisz.move where submission_id = $1 order by id
