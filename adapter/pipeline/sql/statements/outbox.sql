-- name: list_products
select product.*, submission.received_at from egisz.product
join egisz.submission on submission.id = product.submission_id
where ($1::text[] is null or product.state = any($1)) and ($2::timestamptz is null or product.changed_at < $2)
    and ($4::text is null or product.organisation = $4)
order by product.changed_at desc limit $3

-- name: list_submissions
select * from egisz.submission
where state = any($1) and ($2::timestamptz is null or changed_at < $2) and ($4::text is null or organisation = $4)
order by changed_at desc limit $3

-- name: count_products
select state, count(*) as rows, extract(epoch from now() - min(changed_at)) as oldest from egisz.product
group by state

-- name: count_submissions
select state, count(*) as rows, extract(epoch from now() - min(changed_at)) as oldest from egisz.submission
group by state

-- name: count_jobs
select entrypoint, status::text as status, count(*) as rows from egisz.pgqueuer group by entrypoint, status

-- name: try_to_write
select nextval(pg_get_serial_sequence('egisz.payload', 'id'))
