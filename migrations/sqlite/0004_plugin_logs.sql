-- What a plugin wrote, and where it failed, in the order of commits: an index ends with the row's id. Calls that wrote
-- nothing and went well are not in it, so that they cost a placement nothing.
create index decisions_that_wrote on decisions (tenant_id, plugin) where logs <> '[]' or outcome <> 'ok';
