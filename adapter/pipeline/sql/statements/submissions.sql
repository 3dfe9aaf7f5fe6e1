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
select (submission).*, queued from egisz.move_submission(
    $1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8, $9, $10, $11, $12, $13::jsonb
)

-- name: fail_submission
update egisz.submission set attempts = attempts + 1, error = $3 where id = $1 and step = $2 returning attempts

-- name: submission_moves
select name, before, after, at from egisz.move where submission_id = $1 order by id
