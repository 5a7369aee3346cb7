#!/bin/sh
# openapi-python-client leaves an operation out, and exits with 0, if its body's model has an
# inline enum whose class name is that of another schema.
#
# Seen with openapi-python-client 0.29.1 on Python 3.11: of an enum in the property `answer` of the
# schema `Reply` it makes a class `ReplyAnswer`. Where the document has a schema of that name, too,
# which is valid OpenAPI, `Reply` is removed, and with it the operation that takes one. The others
# are generated; only a warning tells. A good guess: a number behind one of the names, or a failure.
# Guard in the product: tests/test_station_api.py holds the names of schemas against this.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
"${PYTHON:-python3.11}" -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet "openapi-python-client==0.29.1"
PATH="$here/venv/bin:$PATH"
cd "$here"
cat > make.py <<'PY'
import json

def ref(name):
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}

answer = {"type": "string", "enum": ["yes", "no"]}
reply = {"type": "object", "required": ["answer"], "properties": {"answer": answer}}
stored = {"type": "object", "properties": {"id": {"type": "integer"}}}
done = {"200": {"description": "Done.", "content": ref("ReplyAnswer")}}
paths = {
    "/replies": {"post": {"operationId": "send", "responses": done,
                          "requestBody": {"required": True, "content": ref("Reply")}}},
    "/last": {"get": {"operationId": "last", "responses": done}},
}
schemas = {"Reply": reply, "ReplyAnswer": stored}
document = {"openapi": "3.1.0", "info": {"title": "Desk", "version": "1"}, "paths": paths,
            "components": {"schemas": schemas}}
json.dump(document, open("openapi.json", "w"))
PY
python make.py
openapi-python-client generate --path openapi.json --output-path client --meta none > log 2>&1
echo "exit 0; generated: $(ls client/api/default | tr '\n' ' ')"
grep -i "conflicting\|not be generated" log || true
test -e client/api/default/last.py
test ! -e client/api/default/send.py
