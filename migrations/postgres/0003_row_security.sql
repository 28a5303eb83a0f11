-- The second line between merchants. The first is that every statement names its merchant; should one forget to, it sees
-- nothing here.
--
-- The program logs in as the owner, who passes by the policies, and takes on one of these roles for each transaction:
-- `api` for requests of one merchant, `callers` to find a request's merchant, `writer` for the group commit, which says
-- whose changes are in the batch, `runner` for the sweeper, housekeeping and audits, `relay` for whatever follows the
-- log. An empty setting, or none, sees nothing.

do $$
declare
    role text;
begin
    foreach role in array array['api', 'callers', 'writer', 'runner', 'relay'] loop
        role := 'orderwright_' || role;
        -- Roles belong to the whole server: another database may have brought them, or be just doing so.
        if not exists (select from pg_roles where rolname = role) then
            begin
                execute format('create role %I nologin', role);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end if;
        if not pg_has_role(current_user, role, 'member') then
            execute format('grant %I to %I', role, current_user);
        end if;
    end loop;
    execute format('grant usage on schema %I to orderwright_api, orderwright_callers, orderwright_writer, '
        'orderwright_runner, orderwright_relay', current_schema());
end
$$;

-- The merchant of a transaction, as 32 hexadecimal digits in `orderwright.tenant`.
create function own_tenant() returns bytea language sql stable parallel safe as $$
    select decode(nullif(current_setting('orderwright.tenant', true), ''), 'hex')
$$;

-- The merchants of a batch, separated by commas, in `orderwright.tenants`.
create function batch_tenants() returns bytea[] language sql stable parallel safe as $$
    select array(select decode(tenant, 'hex')
        from unnest(string_to_array(nullif(current_setting('orderwright.tenants', true), ''), ',')) as tenant)
$$;

do $$
declare
    name text;
begin
    foreach name in array array['tenants', 'api_keys', 'warehouses', 'inventory', 'orders', 'reservations', 'order_events',
        'idempotency_keys', 'external_ids', 'seal_keys', 'decisions', 'operations', 'journal', 'daily_roots', 'plugin_ids',
        'plugins', 'hook_bindings', 'hook_binding_history', 'secrets'] loop
        execute format('alter table %I enable row level security', name);
        execute format('create policy %I on %I to orderwright_api using (tenant_id = (select own_tenant())) '
            'with check (tenant_id = (select own_tenant()))', name || '_of_the_merchant', name);
        execute format('create policy %I on %I to orderwright_writer using (tenant_id = any ((select batch_tenants())::bytea[])) '
            'with check (tenant_id = any ((select batch_tenants())::bytea[]))', name || '_of_the_batch', name);
        execute format('create policy %I on %I to orderwright_runner, orderwright_relay using (true) with check (true)',
            name || '_of_all', name);
        execute format('grant select, insert, update, delete on %I to orderwright_api, orderwright_writer, orderwright_runner', name);
        execute format('grant select on %I to orderwright_relay', name);
    end loop;
    -- What has happened is only ever added to.
    revoke update, delete on order_events from orderwright_api, orderwright_writer, orderwright_runner;
    -- What belongs to no merchant.
    foreach name in array array['log_head', 'writers', 'consumer_cursors', 'dead_letters', 'components', 'component_parts'] loop
        execute format('grant select, insert, update, delete on %I to orderwright_api, orderwright_writer, '
            'orderwright_runner, orderwright_relay', name);
    end loop;
end
$$;

-- A request says who it is by its key, and only then is its merchant known.
create policy api_keys_of_callers on api_keys for select to orderwright_callers using (true);
create policy tenants_of_callers on tenants for select to orderwright_callers using (true);
grant select on api_keys, tenants to orderwright_callers;
