-- Columns by name: what leaves in a support bundle is chosen, and a new column does not leave by itself.

-- name: support_submissions
select id, organisation, version, media_type, fhir_version, state, step, attempts, error, findings, received_at,
    changed_at, give_up_at
from egisz.submission
where id = $1 or id in (select submission_id from egisz.submission_product where product_id = $1)
order by seq

-- name: support_products
select product.id, product.organisation, product.bundle, product.route, product.kind, product.version, product.state,
    product.step, product.stopped_at, product.attempts, product.error, product.findings, product.signatures,
    product.emdr_id, product.unrz, product.created_at, product.changed_at, product.registered_at, product.give_up_at,
    product.ask_at
from egisz.product
where product.id = $1 or product.id in (select product_id from egisz.submission_product where submission_id = $1)
order by product.bundle, product.created_at, product.id

-- name: support_moves
select name, before, after, at from egisz.move where submission_id = $1 or product_id = $1 order by id

-- name: support_messages
select direction, operation, message_id, relates_to, attempt, at, answered_at, outcome, codes
from egisz.message where product_id = $1 order by id

-- name: support_notices
select state, attempts, created_at, delivered_at, outcome from egisz.notice where product_id = $1 order by id

-- name: support_jobs
select entrypoint, status::text as status, attempts, created, execute_after
from egisz.pgqueuer where payload = convert_to($1, 'UTF8') order by id

-- name: support_database
select current_setting('server_version') as version, (select array_agg(name order by name) from egisz.migration) as applied
