-- name: set_of_message
-- The last version of a message, the number of the last version in its set, and whether one of the set is on its way.
select last.*, (
    select coalesce(max(version), 0) from egisz.product where set_id = $1 and version is not null
) as highest, exists (
    select from egisz.product
    where set_id = $1 and version is not null and state not in ('registered', 'rejected', 'dead')
) as open
from (select) as one
left join lateral (
    select * from egisz.product where set_id = $1 and message_key = $2 and version is not null
    order by version desc limit 1
) last on true

-- name: replace_message
-- The message made again; the payloads that it had.
with old as (
    select id, document_id, registration_id from egisz.product where id = $1
)
update egisz.product set document_id = $2, registration_id = $3 from old where product.id = old.id
returning array_remove(array[old.document_id, old.registration_id], null) as payloads

-- name: numbers_of_records
select key, number from egisz.record where key = any($1::bytea[])

-- name: keep_number
insert into egisz.record (key, organisation, scope, number, product_id) values ($1, $2, $3, $4, $5)
on conflict (key) do update
set number = excluded.number, product_id = excluded.product_id, changed_at = now()
