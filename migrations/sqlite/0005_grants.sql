-- The personal fields that a merchant lets a binding have: a JSON array of names. What was bound before saw these four.
alter table hook_bindings add column fields text not null default '["city","zip","customer_id","email_domain"]'
    constraint hook_bindings_fields_json check (json_type(fields) = 'array');
alter table hook_binding_history add column fields text not null default '["city","zip","customer_id","email_domain"]';

drop trigger hook_bindings_are_remembered;
drop trigger hook_bindings_changes_are_remembered;

create trigger hook_bindings_are_remembered after insert on hook_bindings
begin
    insert into hook_binding_history values (new.tenant_id, new.hook, new.revision, new.plugin, new.version, new.digest,
        new.config, new.on_failure, new.hosts, new.candidate, new.actor, new.updated_at, new.fields);
end;

create trigger hook_bindings_changes_are_remembered after update on hook_bindings
begin
    insert into hook_binding_history values (new.tenant_id, new.hook, new.revision, new.plugin, new.version, new.digest,
        new.config, new.on_failure, new.hosts, new.candidate, new.actor, new.updated_at, new.fields);
end;
