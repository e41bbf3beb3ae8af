#!/bin/sh
# Run once by the PostgreSQL image on an empty volume: the roles that the portal keeps apart, and their database.
set -eu
secret() { cat "/run/secrets/$1"; }
psql --set ON_ERROR_STOP=1 --username postgres \
    --set owner="$(secret owner_password)" --set app="$(secret app_password)" --set sealer="$(secret sealer_password)" <<'SQL'
CREATE ROLE portal_owner LOGIN PASSWORD :'owner';
CREATE ROLE portal_app LOGIN PASSWORD :'app';
CREATE ROLE portal_sealer LOGIN PASSWORD :'sealer';
CREATE DATABASE portal OWNER portal_owner;
SQL
