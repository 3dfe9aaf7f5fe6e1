-- name: set_webhook
update egisz.client set webhook_url = $2, webhook_secret = $3 where id = $1 returning id

-- name: notice
select notice.*, client.webhook_url, client.webhook_secret, product.kind, product.emdr_id, product.unrz
from egisz.notice
join egisz.product on product.id = notice.product_id
left join egisz.client on client.id = notice.client and client.disabled_at is null
where notice.id = $1

-- name: tasks_of_product
select link.submission_id from egisz.submission_product link
join egisz.product on product.id = link.product_id
join egisz.submission on submission.id = link.submission_id and submission.client = product.client
where link.product_id = $1
order by submission.seq

-- name: fail_notice
update egisz.notice set attempts = attempts + 1 where id = $1 returning attempts

-- name: settle_notice
update egisz.notice set outcome = $2, delivered_at = case when $2 = 'delivered' then now() end where id = $1
