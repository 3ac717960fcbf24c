"""security: find-generic-password of the test's keychain."""

from tests.mac.call import Call

NOT_FOUND = "security: SecKeychainSearchCopyNext: The specified item could not be found in the keychain."


def run(call: Call) -> int:
    """Return 0, or 44 when there is no such item."""
    words = call.arguments
    if words[:1] != ["find-generic-password"]:
        return call.err(f'security: unknown command "{"".join(words[:1])}"', 2)
    asked = {flag: words[words.index(flag) + 1] for flag in ("-s", "-a") if flag in words[:-1]}
    for item in call.load("keychain.json", []):
        if asked.get("-s") in (None, item["service"]) and asked.get("-a") in (None, item["account"]):
            if "-w" in words:
                call.out(item["password"])
            else:
                call.out('class: "genp"\nattributes:')
                call.out(f'    "acct"<blob>="{item["account"]}"\n    "svce"<blob>="{item["service"]}"')
                return call.err(f'password: "{item["password"]}"', 0) if "-g" in words else 0
            return 0
    return call.err(NOT_FOUND, 44)
