-- name: due_to_ask
select id, step from egisz.product where ask_at <= $1 and state = 'awaiting' order by ask_at limit $2

-- name: time_of_database
select now()

-- name: clock_set_back
-- What was written by a clock that has been set back since would wait until that time comes again: jobs, the silence of
-- dead workers, schedules. Delays are kept. The slack is for transactions that overlap.
with jobs as (
    update egisz.pgqueuer
    set execute_after = now() + (execute_after - updated), updated = now(), created = least(created, now()),
        heartbeat = least(heartbeat, now())
    where updated > now() + interval '10 seconds' or heartbeat > now() + interval '10 seconds'
    returning 1
), schedules as (
    update egisz.pgqueuer_schedules set next_run = now(), updated = now(), heartbeat = least(heartbeat, now())
    where updated > now() + interval '10 seconds' or heartbeat > now() + interval '10 seconds'
    returning 1
)
select (select count(*) from jobs) + (select count(*) from schedules)

-- name: unattended_products
-- Rows whose next stage has no job, which only a job that was lost can leave: set-based, so that a long queue is not read
-- into a worker. What waits for an earlier version has none on purpose.
select product.id, product.step, stage.name as stage
from egisz.product
join (values ('checked', 'sign'), ('signed', 'send'), ('sent', 'send')) as stage (state, name)
    on stage.state = product.state
where (product.changed_at < now() - $1::interval or product.changed_at > now() + $1::interval)
    and not exists (
        select from egisz.product earlier
        where product.state = 'checked' and earlier.set_id = product.set_id and earlier.version < product.version
            and earlier.state not in ('registered', 'rejected', 'dead')
    )
    and not exists (
        select from egisz.pgqueuer job
        where job.entrypoint = stage.name and job.payload = convert_to(product.id::text, 'UTF8')
            and job.status in ('queued', 'picked')
    )
order by product.changed_at
limit $2

-- name: unattended_submissions
select submission.id, submission.step
from egisz.submission
where submission.state = 'accepted' and (submission.changed_at < now() - $1::interval or submission.changed_at > now() + $1::interval)
    and not exists (
        select from egisz.submission earlier
        where earlier.chain = submission.chain and earlier.seq < submission.seq
            and earlier.state in ('accepted', 'held')
    )
    and not exists (
        select from egisz.pgqueuer job
        where job.entrypoint = 'convert' and job.payload = convert_to(submission.id::text, 'UTF8')
            and job.status in ('queued', 'picked')
    )
order by submission.changed_at
limit $2

-- name: unattended_messages
select message.id
from egisz.message
where message.direction = 'in' and message.outcome = '' and (message.at < now() - $1::interval or message.at > now() + $1::interval)
    and not exists (
        select from egisz.pgqueuer job
        where job.entrypoint = 'callback' and job.payload = convert_to(message.id::text, 'UTF8')
            and job.status in ('queued', 'picked')
    )
order by message.id
limit $2

-- name: unattended_notices
select notice.id
from egisz.notice
where notice.outcome = '' and (notice.created_at < now() - $1::interval or notice.created_at > now() + $1::interval)
    and not exists (
        select from egisz.pgqueuer job
        where job.entrypoint = 'notify' and job.payload = convert_to(notice.id::text, 'UTF8')
            and job.status in ('queued', 'picked')
    )
order by notice.id
limit $2

-- name: forget_bundles
with old as (
    select submission.id, submission.payload_id
    from egisz.submission
    where submission.payload_id is not null and submission.state in ('converted', 'refused', 'dead')
        and submission.changed_at < $1
        and not exists (
            select from egisz.submission_product link
            join egisz.product on product.id = link.product_id
            where link.submission_id = submission.id
                and (product.state not in ('registered', 'rejected', 'dead') or product.changed_at >= $1)
        )
    limit $2
    for update of submission skip locked
), cleared as (
    update egisz.submission set payload_id = null from old where submission.id = old.id
    returning old.payload_id
)
select payload_id from cleared

-- name: forget_documents
with old as (
    select id, document_id, registration_id
    from egisz.product
    where document_id is not null and state in ('registered', 'rejected', 'dead') and changed_at < $1
    limit $2
    for update skip locked
), cleared as (
    update egisz.product set document_id = null, registration_id = null from old where product.id = old.id
    returning old.document_id, old.registration_id
)
select unnest(array[document_id, registration_id]) as payload_id from cleared

-- name: forget_register_messages
-- Of those that a register has: nobody asks for them again, as РЭМД does for the file of a document.
with old as (
    select id, document_id, registration_id
    from egisz.product
    where message_key is not null and document_id is not null and state = 'registered' and changed_at < $1
    limit $2
    for update skip locked
), cleared as (
    update egisz.product set document_id = null, registration_id = null from old where product.id = old.id
    returning old.document_id, old.registration_id
)
select unnest(array[document_id, registration_id]) as payload_id from cleared

-- name: forget_messages
with old as (
    select id, request_id, response_id from egisz.message
    where at < $1 and outcome <> '' and (request_id is not null or response_id is not null)
    limit $2
    for update skip locked
), cleared as (
    update egisz.message set request_id = null, response_id = null from old where message.id = old.id
    returning old.request_id, old.response_id
)
select unnest(array[request_id, response_id]) as payload_id from cleared

-- name: delete_payloads
delete from egisz.payload where id = any($1::bigint[])

-- name: forget_queue_log
delete from egisz.pgqueuer_log where id in (
    select id from egisz.pgqueuer_log where aggregated and created < now() - interval '1 hour' limit $1
)
