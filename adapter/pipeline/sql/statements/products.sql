-- name: lock_set
select pg_advisory_xact_lock(hashtextextended($1, 2))

-- name: last_of_set
select * from egisz.product where set_id = $1 and version is not null order by version desc limit 1

-- name: last_given_of_set
select max(given_version) from egisz.product where set_id = $1 and version is not null

-- name: unmade_of_focus
select * from egisz.product
where submission_id = $1 and bundle = $2 and route = $3 and focus = $4 and version is null

-- name: local_uid_taken
select exists (select from egisz.product where local_uid = $1 and version is not null)

-- name: insert_product
insert into egisz.product (
    id, submission_id, client, organisation, bundle, route, focus, kind, set_id, version, given_version, local_uid,
    content_digest, predecessor, state, stopped_at, findings, document_id, registration_id, give_up_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
returning *

-- name: remake_product
update egisz.product
set set_id = $3, version = $4, given_version = $5, local_uid = $6, content_digest = $7, predecessor = $8, findings = $9,
    document_id = $10, registration_id = $11, give_up_at = $12, stopped_at = '', error = null, attempts = 0,
    state = $13, step = step + 1, changed_at = now()
where id = $1 and step = $2
returning *

-- name: retell_product
update egisz.product set findings = $3 where id = $1 and step = $2

-- name: link_product
insert into egisz.submission_product (submission_id, product_id) values ($1, $2) on conflict do nothing

-- name: product
select * from egisz.product where id = $1

-- name: products_of_submission
select product.* from egisz.product
join egisz.submission_product link on link.product_id = product.id
where link.submission_id = $1
order by product.bundle, product.created_at, product.id

-- name: product_by_local_uid
select * from egisz.product where local_uid = $1 and version is not null

-- name: product_by_emdr_id
select * from egisz.product where emdr_id = $1 order by registered_at limit 1

-- name: product_by_message_id
select product.* from egisz.product
join egisz.message on message.product_id = product.id
where message.direction = 'out' and message.message_id = $1

-- name: waits_in_set
select exists (
    select from egisz.product
    where set_id = $1 and version < $2 and state not in ('registered', 'rejected', 'dead')
)

-- name: next_in_set
select id, step from egisz.product
where set_id = $1 and version > $2 and state = 'checked'
order by version limit 1

-- name: later_has_left
select exists (
    select from egisz.product
    where set_id = $1 and version > $2 and state in ('signed', 'sent', 'awaiting', 'registered')
)

-- name: move_product
update egisz.product
set state = $3, step = step + 1, changed_at = now(), stopped_at = $4, error = $5,
    attempts = case when $6 then 0 else attempts + $12 end, give_up_at = coalesce($7, give_up_at), ask_at = $8,
    emdr_id = coalesce($9, emdr_id), unrz = coalesce($10, unrz), registered_at = coalesce($11, registered_at),
    findings = coalesce($13::jsonb, findings)
where id = $1 and step = $2
returning *

-- name: fail_product
update egisz.product set attempts = attempts + 1, error = $3 where id = $1 and step = $2 returning attempts

-- name: ask_later
update egisz.product set ask_at = $3 where id = $1 and step = $2

-- name: record_product_move
insert into egisz.move (product_id, name, before, after) values ($1, $2, $3, $4)

-- name: product_moves
select name, before, after, at from egisz.move where product_id = $1 order by id

-- name: delete_signatures
delete from egisz.signature where product_id = $1

-- name: insert_signature
insert into egisz.signature (product_id, position, role, payload_id) values ($1, $2, $3, $4)

-- name: count_signatures
update egisz.product set signatures = $2 where id = $1

-- name: signatures
select position, role, payload_id from egisz.signature where product_id = $1 order by position
