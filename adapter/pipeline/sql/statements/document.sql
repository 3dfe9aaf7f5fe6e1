-- What the page of one document or Bundle asks.

-- name: console_versions
select * from egisz.product where set_id = $1 order by version, created_at limit 200

-- name: console_messages
-- What was said about a product, with the bytes.
select message.direction, message.operation, message.message_id, message.relates_to, message.attempt, message.at,
    message.answered_at, message.outcome, message.codes,
    request.key_id as request_key, request.nonce as request_nonce, request.data as request_data,
    response.key_id as response_key, response.nonce as response_nonce, response.data as response_data
from egisz.message
left join egisz.payload request on request.id = message.request_id
left join egisz.payload response on response.id = message.response_id
where message.product_id = $1
order by message.id
limit 200
