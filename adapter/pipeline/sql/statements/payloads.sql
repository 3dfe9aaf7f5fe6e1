-- name: insert_payload
insert into egisz.payload (purpose, key_id, nonce, data) values ($1, $2, $3, $4) returning id

-- name: insert_payloads
-- In the order of the arrays, in which ids are given.
insert into egisz.payload (purpose, key_id, nonce, data)
select * from unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[])
returning id

-- name: payload
select key_id, nonce, data from egisz.payload where id = $1

-- name: secret
select key_id, nonce, data from egisz.secret where name = $1

-- name: insert_secret
insert into egisz.secret (name, key_id, nonce, data) values ($1, $2, $3, $4) on conflict do nothing

-- name: sealed_with_other_keys
select id, purpose, key_id, nonce, data from egisz.payload where key_id <> $1 order by id limit $2 for update skip locked

-- name: reseal_payload
update egisz.payload set key_id = $2, nonce = $3, data = $4 where id = $1

-- name: reseal_secret
update egisz.secret set key_id = $2, nonce = $3, data = $4 where name = $1
