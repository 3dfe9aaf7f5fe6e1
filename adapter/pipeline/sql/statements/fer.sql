-- name: fer_remember
insert into egisz.fer_session (session, key_id, nonce, patient, expires) values ($1, $2, $3, $4, $5)
on conflict (session) do update
set key_id = excluded.key_id, nonce = excluded.nonce, patient = excluded.patient, expires = excluded.expires

-- name: fer_patient
select key_id, nonce, patient from egisz.fer_session where session = $1 and expires > $2

-- name: fer_forget
delete from egisz.fer_session where expires <= $1
