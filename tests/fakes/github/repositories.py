"""REST: people, the repository, its refs and files."""

from __future__ import annotations

from base64 import b64encode

from fakes.github import accounts, shapes
from fakes.github.accounts import Json
from fakes.github.call import INTEGRATION, Call, Reply
from fakes.github.state import Refusal, not_found


def user(call: Call) -> Json:
    if call.sender.kind == "app":
        raise Refusal(403, INTEGRATION)
    return accounts.user(call.world, call.sender.user)


def repository(call: Call) -> Json:
    return accounts.repository(call.world, call.repository)


def permission(call: Call) -> Json:
    repository, login = call.repository, call.args["login"]
    who = call.world.users.get(login)
    if who is None:
        raise Refusal(404, f"{login} is not a user")
    if call.sender.kind == "user" and not repository.may(call.sender.user.login, "write"):
        raise Refusal(403, "Must have push access to view collaborator permission.")
    role = repository.role(login)
    folded = {"maintain": "write", "triage": "read"}.get(role, role)
    name = repository.custom_roles.get(login, role)
    return {"permission": folded, "role_name": name, "user": accounts.user(call.world, who) | {"role_name": name}}


def ref(call: Call) -> Json:
    name = f"refs/{call.args['ref']}"
    sha = call.repository.git.sha(name)
    if sha is None:
        raise not_found()
    return shapes.ref(call.world, call.repository, name, sha)


def matching_refs(call: Call) -> list[Json]:
    found = call.repository.git.refs(f"refs/{call.args['ref']}")
    return [shapes.ref(call.world, call.repository, name, sha) for name, sha in sorted(found.items())]


def delete_ref(call: Call) -> Reply:
    name = f"refs/{call.args['ref']}"
    if call.repository.git.sha(name) is None:
        raise Refusal(422, "Reference does not exist")
    if name == f"refs/heads/{call.repository.default_branch}":
        raise Refusal(422, "Cannot delete the default branch")
    call.repository.git.move(name, None)
    call.repository.follow()
    return Reply(status=204, data=None)


def contents(call: Call) -> Json | list[Json]:
    git, path = call.repository.git, call.args["path"]
    ref = call.query.get("ref", call.repository.default_branch)
    commit = git.resolve(ref)
    if commit is None:
        raise Refusal(404, f"No commit found for the ref {ref}")
    entry = git.entry(commit, path)
    if entry is None:
        raise not_found()
    mode, kind, sha = entry
    if kind == "tree":
        return []
    data = git.git("cat-file", "blob", sha)
    shape = shapes.content(call.world, call.repository, path, sha=sha, size=len(data))
    if mode == "120000":
        return shape | {"type": "symlink", "target": data.decode()}
    shape["type"] = "file"
    if len(data) > 1_000_000:  # GitHub sends larger ones only raw
        return shape | {"encoding": "none", "content": ""}
    text = b64encode(data).decode()
    return shape | {"encoding": "base64", "content": "\n".join(text[i : i + 60] for i in range(0, len(text), 60))}
