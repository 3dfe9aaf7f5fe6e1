-- name: search_documents
select product.*, (select count(*) from egisz.signature where product_id = product.id) as signatures
from egisz.product
where document_id is not null and message_key is null
    and organisation = any($1)
    and ($2::text is null or kind = $2)
    and ($3::text is null or emdr_id = $3 or local_uid = $3 or unrz = $3)
    and ($4::uuid is null or id = $4)
    and ($5::timestamptz is null or changed_at >= $5)
    and ($6::timestamptz is null or changed_at < $6)
    and ($7::uuid is null or id < $7)
order by id desc
limit $8
