-- What the console looks for: lists by time of arrival, and the numbers that a person has in hand.

create index product_came on egisz.product (created_at, id) include (state, kind, organisation);
create index product_state_came on egisz.product (state, created_at, id);
create index product_uid on egisz.product (local_uid) where version is null;
create index product_kind on egisz.product (kind, created_at, id);
create index product_organisation on egisz.product (organisation, created_at, id);
create index product_unrz on egisz.product (unrz) where unrz is not null;
-- The extension alone, which a МИС shows.
create index product_number on egisz.product (split_part(set_id, '^', 2)) where version is not null;
-- What stopped is a small part: its findings and codes are found without a burden on the rest.
create index product_stopped on egisz.product (created_at, id) where state in ('rejected', 'dead');
create index product_codes on egisz.product using gin ((error -> 'codes')) where error is not null;
create index product_findings on egisz.product using gin (findings jsonb_path_ops) where state in ('rejected', 'dead');
create index submission_came on egisz.submission (received_at, id) include (state, organisation);
