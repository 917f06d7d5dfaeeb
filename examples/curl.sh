#!/bin/sh
# Signs up, logs in, asks who is calling, refreshes and logs out: sh examples/curl.sh [address]
set -eu
address=${1:-http://127.0.0.1:8000}
name=${2:-example-$(date +%s)}
password='four unrelated words, say'

member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

echo "Sign up as $name"
curl -sS --fail-with-body "$address/signup" -H 'Content-Type: application/json' \
  -d "{\"username\": \"$name\", \"email\": \"$name@example.com\", \"password\": \"$password\"}"
echo

echo "Log in"
tokens=$(curl -sS --fail-with-body "$address/token" --data-urlencode "username=$name" --data-urlencode "password=$password")
access=$(echo "$tokens" | member access_token)
refresh=$(echo "$tokens" | member refresh_token)

echo "Who am I?"
curl -sS --fail-with-body "$address/users/me" -H "Authorization: Bearer $access"
echo

echo "Refresh: the answer has a new refresh token, to be kept instead of the old one"
tokens=$(curl -sS --fail-with-body "$address/refresh" --data-urlencode "refresh_token=$refresh")
access=$(echo "$tokens" | member access_token)

echo "Log out"
curl -sS --fail-with-body -X POST "$address/logout" -H "Authorization: Bearer $access"

status=$(curl -sS -o /dev/null -w '%{http_code}' "$address/users/me" -H "Authorization: Bearer $access")
echo "Who am I now? $status"
[ "$status" = 401 ]
