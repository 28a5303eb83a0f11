-- An uploaded component has up to 32 MB, and while it is written in one piece no order can be committed. It is kept in
-- parts, each in a transaction of its own; the row in `components` comes last, with an empty `wasm`, and says that all of
-- them are there. Rows from before have their bytes in `wasm`.
create table component_parts (
    digest text    not null,
    part   integer not null,
    bytes  blob    not null,
    constraint component_parts_pk primary key (digest, part)
) strict;
