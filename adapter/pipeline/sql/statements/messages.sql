-- name: insert_sent
insert into egisz.message (product_id, direction, operation, message_id, attempt, request_id)
values ($1, 'out', $2, $3, $4, $5)
returning id

-- name: attempts_of_product
select count(*) from egisz.message where product_id = $1 and direction = 'out' and operation = $2

-- name: answer_sent
update egisz.message set response_id = $2, request_id = coalesce($3, request_id), answered_at = now(), outcome = $4, codes = $5
where id = $1

-- name: receive
select egisz.receive($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11)

-- name: message
select * from egisz.message where id = $1 for update

-- name: message_to_apply
-- A message of the state with its bytes, and the product that the message was about that it answers.
select product.*, message.product_id, message.operation, message.outcome, message.relates_to, message.request_id,
    request.key_id as message_key_id, request.nonce as message_nonce, request.data as message_data
from egisz.message
left join egisz.payload request on request.id = message.request_id
left join egisz.message sent
    on message.relates_to <> '' and sent.direction = 'out' and sent.message_id = message.relates_to
left join egisz.product on product.id = sent.product_id
where message.id = $1

-- name: settle_received
update egisz.message set product_id = coalesce($2, product_id), outcome = $3, codes = $4, answered_at = now() where id = $1

-- name: sent_of_message_id
select * from egisz.message where direction = 'out' and message_id = $1

-- name: last_sent
select * from egisz.message where product_id = $1 and direction = 'out' and operation = $2 order by id desc limit 1

-- name: messages_of_product
select id, direction, operation, message_id, relates_to, attempt, at, answered_at, outcome, codes
from egisz.message where product_id = $1 order by id
