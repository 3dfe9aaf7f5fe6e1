-- name: lock_sets
select pg_advisory_xact_lock(hashtextextended(set_id, 2)) from unnest($1::text[]) as set_id

-- name: set_of_document
-- The last version of a set, the highest number that its sender gave, and whether the id of a document is taken.
select last.*, (
    select max(given_version) from egisz.product where set_id = $1 and version is not null
) as highest_given, exists (
    select from egisz.product where local_uid = $2 and version is not null
) as uid_taken
from (select) as one
left join lateral (
    select * from egisz.product where set_id = $1 and version is not null order by version desc limit 1
) last on true

-- name: unmade_of_focus
select * from egisz.product
where submission_id = $1 and bundle = $2 and route = $3 and focus = $4 and version is null

-- name: insert_product
-- The row, its link, its line in the history, its notice (where $22, it is final), and whether it waits.
with made as (
    insert into egisz.product (
        id, submission_id, client, organisation, bundle, route, focus, kind, set_id, version, given_version, local_uid,
        content_digest, predecessor, state, stopped_at, findings, document_id, registration_id, give_up_at
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
    returning *
), linked as (
    insert into egisz.submission_product (submission_id, product_id) select submission_id, id from made
), told as (
    insert into egisz.move (product_id, name, before, after) select id, $21, null, state from made
), notice as (
    insert into egisz.notice (client, product_id, state, give_up_at)
    select made.client, made.id, made.state, made.changed_at + $23::interval
    from made join egisz.client on client.id = made.client
    where $22 and client.webhook_url is not null and client.disabled_at is null
    returning id
)
select made.*, (select id from notice) as notice, null::uuid as next_id, null::bigint as next_step, exists (
    select from egisz.product earlier
    where earlier.set_id = made.set_id and earlier.version < made.version
        and earlier.state not in ('registered', 'rejected', 'dead')
) as waits
from made

-- name: remake_product
with made as (
    update egisz.product
    set set_id = $3, version = $4, given_version = $5, local_uid = $6, content_digest = $7, predecessor = $8,
        findings = $9, document_id = $10, registration_id = $11, give_up_at = $12, stopped_at = '', error = null,
        attempts = 0, state = $13, step = step + 1, changed_at = now()
    where id = $1 and step = $2
    returning *
), told as (
    insert into egisz.move (product_id, name, before, after) select id, $14, $15, state from made
)
select made.*, null::bigint as notice, null::uuid as next_id, null::bigint as next_step, exists (
    select from egisz.product earlier
    where earlier.set_id = made.set_id and earlier.version < made.version
        and earlier.state not in ('registered', 'rejected', 'dead')
) as waits
from made

-- name: retell_product
update egisz.product set findings = $3 where id = $1 and step = $2

-- name: link_product
insert into egisz.submission_product (submission_id, product_id) values ($1, $2) on conflict do nothing

-- name: product
select * from egisz.product where id = $1

-- name: product_to_work
select product.*, document.key_id as document_key, document.nonce as document_nonce, document.data as document_data,
    registration.key_id as registration_key, registration.nonce as registration_nonce,
    registration.data as registration_data, exists (
    select from egisz.product earlier
    where earlier.set_id = product.set_id and earlier.version < product.version
        and earlier.state not in ('registered', 'rejected', 'dead')
) as waits
from egisz.product
left join egisz.payload document on document.id = product.document_id
left join egisz.payload registration on registration.id = product.registration_id
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
-- The move, its line in the history, its notice and who waited for it (where $16, the state is final), and whether it waits
-- itself; where $18, it moves only if it does not.
with moved as (
    update egisz.product
    set state = $3, step = step + 1, changed_at = now(), stopped_at = $4, error = $5,
        attempts = case when $6 then 0 else attempts + $12 end, give_up_at = coalesce($7, give_up_at), ask_at = $8,
        emdr_id = coalesce($9, emdr_id), unrz = coalesce($10, unrz), registered_at = coalesce($11, registered_at),
        findings = coalesce($13::jsonb, findings), signatures = coalesce($19, signatures)
    where id = $1 and step = $2 and not ($18 and exists (
        select from egisz.product earlier
        where earlier.set_id = product.set_id and earlier.version < product.version
            and earlier.state not in ('registered', 'rejected', 'dead')
    ))
    returning *
), told as (
    insert into egisz.move (product_id, name, before, after) select id, $14, $15, state from moved
), notice as (
    insert into egisz.notice (client, product_id, state, give_up_at)
    select moved.client, moved.id, moved.state, moved.changed_at + $17::interval
    from moved join egisz.client on client.id = moved.client
    where $16 and client.webhook_url is not null and client.disabled_at is null
    returning id
)
select moved.*, (select id from notice) as notice, following.id as next_id, following.step as next_step, exists (
    select from egisz.product earlier
    where earlier.set_id = moved.set_id and earlier.version < moved.version
        and earlier.state not in ('registered', 'rejected', 'dead')
) as waits
from moved
left join lateral (
    select id, step from egisz.product later
    where later.set_id = moved.set_id and later.version > moved.version and later.state = 'checked'
    order by version limit 1
) following on $16

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

-- name: replace_signatures
-- Of a document that is signed again after a replay, too.
with old as (
    delete from egisz.signature where product_id = $1 and position >= cardinality($2::text[])
)
insert into egisz.signature (product_id, position, role, payload_id)
select $1, position - 1, role, payload_id
from unnest($2::text[], $3::bigint[]) with ordinality as made (role, payload_id, position)
on conflict (product_id, position) do update set role = excluded.role, payload_id = excluded.payload_id
