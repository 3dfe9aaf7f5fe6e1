-- name: lock_chain
select pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex'), 1))

-- name: accept
select (submission).*, created, queued
from egisz.accept($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)

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
