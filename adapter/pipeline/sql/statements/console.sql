-- name: console_ended
-- Whether a session of the console was ended before its time.
select exists (select from egisz.jti where hash = $1)
