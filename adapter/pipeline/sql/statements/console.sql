-- name: console_ended
-- Whether a session of the console was ended before its time.
select exists (select from egisz.jti where hash = $1)

-- name: console_custom_plans
-- Conditions that are not asked for cost nothing only in a plan of their own.
set local plan_cache_mode = force_custom_plan

-- name: console_came
-- Documents of a period ($1 to $2) by bucket of $3, organisation, kind, each by state; the other columns are null.
with cells as (
    select date_bin($3::interval, created_at, $1) as bucket, organisation, kind, state, count(*) as rows
    from egisz.product where created_at >= $1 and created_at < $2
    group by 1, 2, 3, 4
)
select bucket, organisation, kind, state, sum(rows)::bigint as rows from cells
group by grouping sets ((bucket, state), (organisation, state), (kind, state))

-- name: console_stopped
-- What stopped in a period, by class of its error; and what waits though something went wrong.
select coalesce(error ->> 'class', nullif(stopped_at, ''), 'check') as error_class, count(*) as rows
from egisz.product where created_at >= $1 and created_at < $2 and state in ('rejected', 'dead')
group by 1 order by 2 desc, 1

-- name: console_codes
-- The codes most met in what stopped last in a period: of findings that are errors, and of the state.
with stopped as materialized (
    select id, findings, error from egisz.product
    where created_at >= $1 and created_at < $2 and state in ('rejected', 'dead')
    order by created_at desc, id desc limit $4
), met as (
    select stopped.id, one ->> 'code' as code from stopped, jsonb_array_elements(findings) as one
    where one ->> 'severity' = 'error'
    union
    select stopped.id, one from stopped, jsonb_array_elements_text(error -> 'codes') as one where error is not null
)
select code, count(*) as rows from met group by 1 order by 2 desc, 1 limit $3

-- name: console_open
-- What is not final, whenever it came.
select state, count(*) as rows, min(created_at) as oldest from egisz.product
where state in ('checked', 'signed', 'sent', 'awaiting', 'held') group by 1

-- name: console_bundles_came
select count(*) as rows, count(*) filter (where state in ('refused', 'dead')) as failed from egisz.submission
where received_at >= $1 and received_at < $2

-- name: console_bundles_open
select state, count(*) as rows, min(received_at) as oldest from egisz.submission
where state in ('accepted', 'held') group by 1

-- name: console_kinds
-- Distinct values, by leaps over the index; few among very many rows.
with recursive leap as (
    (select kind from egisz.product order by kind limit 1)
    union all
    select (select kind from egisz.product where kind > leap.kind order by kind limit 1) from leap
    where leap.kind is not null
)
select kind from leap where kind is not null

-- name: console_organisations
with recursive leap as (
    (select organisation from egisz.product order by organisation limit 1)
    union all
    select (select organisation from egisz.product where organisation > leap.organisation order by organisation limit 1)
    from leap where leap.organisation is not null
)
select organisation from leap where organisation is not null

-- name: console_find
-- Products of a number that a person has in hand: of a document, a set, a registration, a record, a message, a row.
select id from egisz.product where local_uid = $1 and version is not null
union select id from egisz.product where local_uid = $1 and version is null
union select id from egisz.product where set_id = $1 and version is not null
union select id from egisz.product where split_part(set_id, '^', 2) = $1 and version is not null
union select id from egisz.product where emdr_id = $1
union select id from egisz.product where unrz = $1
union select id from egisz.product where id = $3
union select product_id from egisz.submission_product where submission_id = $3
union select product_id from egisz.message where direction in ('in', 'out') and message_id = $2 and product_id is not null
union select product_id from egisz.message where relates_to = $2 and relates_to <> '' and product_id is not null
limit 1000

-- name: console_filter
($1::uuid[] is null or product.id = any($1))
    and ($2::text[] is null or product.state = any($2))
    and ($3::text is null or product.kind = $3)
    and ($4::text is null or product.organisation = $4)
    and ($5::text is null or (
        coalesce(product.error ->> 'class', nullif(product.stopped_at, ''), case when product.state in ('rejected', 'dead') then 'check' end) = $5
    ))
    and (
        $6::text is null
        or (product.error is not null and product.error -> 'codes' ? $6)
        or (product.state in ('rejected', 'dead') and product.findings @> jsonb_build_array(jsonb_build_object('code', $6)))
    )
    and ($7::timestamptz is null or product.created_at >= $7)
    and ($8::timestamptz is null or product.created_at < $8)

-- name: console_products
select product.* from egisz.product
where /* console_filter */ and ($9::timestamptz is null or (product.created_at, product.id) < ($9, $10::uuid))
order by product.created_at desc, product.id desc limit $11

-- name: console_count
-- Not more than one looks at.
select count(*) from (select from egisz.product where /* console_filter */ limit $9) as few

-- name: console_verdicts
-- What decides whether a move can be made, with an example of each; see adapter.pipeline.outbox.
with chosen as (
    select product.id, coalesce(nullif(split_part(set_id, '^', 2), ''), local_uid, product.id::text) as number,
        product.state, product.version is null as unmade, submission.state as submission_state,
        submission.payload_id is not null as kept,
        $9 = 'replay' and product.version is not null and exists (
            select from egisz.product later
            where later.set_id = product.set_id and later.version > product.version
                and later.message_key is not distinct from product.message_key
                and later.state in ('signed', 'sent', 'awaiting', 'registered')
        ) as overtaken
    from egisz.product join egisz.submission on submission.id = product.submission_id
    where /* console_filter */
)
select state, unmade, submission_state, kept, overtaken, count(*) as rows, (array_agg(id order by id desc))[1:5] as ids,
    (array_agg(number order by id desc))[1:5] as numbers
from chosen group by 1, 2, 3, 4, 5 order by 6 desc

-- name: console_ids
select product.id from egisz.product where /* console_filter */ order by product.created_at, product.id

-- name: console_bundles
select * from egisz.submission
where ($1::uuid is null or id = $1)
    and ($2::text[] is null or state = any($2))
    and ($3::text is null or organisation = $3)
    and ($4::text is null or error ->> 'class' = $4)
    and ($5::text is null or (error is not null and error -> 'codes' ? $5)
        or findings @> jsonb_build_array(jsonb_build_object('code', $5)))
    and ($6::timestamptz is null or received_at >= $6)
    and ($7::timestamptz is null or received_at < $7)
    and ($8::timestamptz is null or (received_at, id) < ($8, $9::uuid))
order by received_at desc, id desc limit $10

-- name: console_bundles_of
select * from egisz.submission where id = any($1::uuid[])
