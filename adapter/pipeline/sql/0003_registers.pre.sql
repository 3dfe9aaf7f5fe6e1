-- Messages of registers are products like documents; the number that a register gives is kept under the record.

alter table egisz.product
    -- Of a message: keyed hash of what tells it from others and stays when it is sent again; null for a document.
    add column message_key bytea,
    -- Of a message: keyed hash of the record whose number it is about; null for a document.
    add column record_key bytea;
create index product_message on egisz.product (set_id, message_key, version) where message_key is not null;

create table egisz.record (
    key bytea primary key,
    organisation text not null,
    -- Whose number it is: products with the same scope share it.
    scope text not null,
    number text not null,
    product_id uuid not null references egisz.product,
    changed_at timestamptz not null default now()
);
create index record_product on egisz.record (product_id);
