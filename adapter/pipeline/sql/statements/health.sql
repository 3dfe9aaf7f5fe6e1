-- name: health_read_only
select current_setting('transaction_read_only')::boolean

-- name: health_waiting
select 'submission' as kind, state, count(*) as rows, extract(epoch from now() - min(changed_at))::float8 as seconds
from egisz.submission where state in ('accepted', 'held') group by state
union all
select 'product', state, count(*), extract(epoch from now() - min(changed_at))::float8
from egisz.product where state in ('checked', 'signed', 'sent', 'awaiting', 'held') group by state
