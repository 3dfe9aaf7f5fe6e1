-- name: lock_sets
select pg_advisory_xact_lock(hashtextextended(set_id, 2)) from unnest($1::text[]) as set_id

-- name: hold_sets
select (product).*, highest_given, uid_taken from egisz.hold_sets($1, $2, $3, $4) order by place

-- name: unmade_of_focus
select * from egisz.product
where submission_id = $1 and bundle = $2 and route = $3 and focus = $4 and version is null

-- name: make_product
select (product).*, queued from egisz.make_product(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17::jsonb, $18, $19, $20, $21, $22, $23, $24,
    $25::jsonb, $26, $27, $28, $29
)

-- name: remake_product
select (product).*, queued from egisz.remake_product(
    $1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11, $12, $13, $14, $15, $16, $17::jsonb, $18, $19, $20, $21
)

-- name: retell_product
update egisz.product set findings = $3 where id = $1 and step = $2

-- name: link_product
insert into egisz.submission_product (submission_id, product_id) values ($1, $2) on conflict do nothing

-- name: product
select * from egisz.product where id = $1

-- name: product_to_work
-- Of a document that is sent, its signatures and how often it was sent ($2) are wanted, and its text no more.
select product.*, document.key_id as document_key, document.nonce as document_nonce, document.data as document_data,
    registration.key_id as registration_key, registration.nonce as registration_nonce,
    registration.data as registration_data, exists (
    select from egisz.product earlier
    where earlier.set_id = product.set_id and earlier.version < product.version
        and earlier.state not in ('registered', 'rejected', 'dead')
) as waits, signed.roles, signed.keys as signature_keys, signed.nonces as signature_nonces, signed.datas as signature_datas, (
    select count(*) from egisz.message where product_id = product.id and direction = 'out' and operation = $2
) as attempts_made
from egisz.product
left join egisz.payload document
    on document.id = product.document_id and (product.state = 'checked' or product.message_key is not null)
left join egisz.payload registration on registration.id = product.registration_id
left join lateral (
    select array_agg(signature.role order by signature.position) as roles,
        array_agg(payload.key_id order by signature.position) as keys,
        array_agg(payload.nonce order by signature.position) as nonces,
        array_agg(payload.data order by signature.position) as datas
    from egisz.signature join egisz.payload on payload.id = signature.payload_id
    where signature.product_id = product.id
) signed on product.state in ('signed', 'sent')
where product.id = $1

-- name: products_of_submission
select product.* from egisz.product
join egisz.submission_product link on link.product_id = product.id
where link.submission_id = $1
order by product.bundle, product.created_at, product.id

-- name: product_by_local_uid
select * from egisz.product where local_uid = $1 and version is not null

-- name: product_by_emdr_id
select * from egisz.product where emdr_id = $1 order by registered_at limit 1

-- name: file_by_local_uid
select product.id, payload.key_id as document_key, payload.nonce as document_nonce, payload.data as document_data
from egisz.product left join egisz.payload on payload.id = product.document_id
where product.local_uid = $1 and product.version is not null

-- name: file_by_emdr_id
select product.id, payload.key_id as document_key, payload.nonce as document_nonce, payload.data as document_data
from egisz.product left join egisz.payload on payload.id = product.document_id
where product.emdr_id = $1 order by product.registered_at limit 1

-- name: product_by_message_id
select product.* from egisz.product
join egisz.message on message.product_id = product.id
where message.direction = 'out' and message.message_id = $1

-- name: later_has_left
-- Of the same document or message: a set of messages holds others, too.
select exists (
    select from egisz.product
    where set_id = $1 and version > $2 and message_key is not distinct from $3 and state in ('signed', 'sent', 'awaiting', 'registered')
)

-- name: move_product
select (product).*, queued from egisz.move_product(
    $1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10, $11, $12, $13::jsonb, $14, $15, $16, $17, $18, $19, $20, $21, $22,
    $23::jsonb
)

-- name: sign_product
select egisz.sign_product($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11, $12)

-- name: send_product
select (product).*, message from egisz.send_product($1, $2, $3, $4, $5, $6, $7, $8)

-- name: acknowledge_product
select egisz.acknowledge_product($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: register_product
select (product).*, queued from egisz.register_product($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb)

-- name: fail_product
update egisz.product set attempts = attempts + 1, error = $3 where id = $1 and step = $2 returning attempts

-- name: ask_later
update egisz.product set ask_at = $3 where id = $1 and step = $2

-- name: product_moves
select name, before, after, at from egisz.move where product_id = $1 order by id

-- name: signatures
select signature.role, payload.key_id, payload.nonce, payload.data
from egisz.signature join egisz.payload on payload.id = signature.payload_id
where signature.product_id = $1
order by signature.position
