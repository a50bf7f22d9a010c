#!/usr/bin/env python3
"""A hook of mmdebstrap: installs the Debian package in the fresh Debian of ROOT, runs what it brought, and
purges it again.

    in_debian.py PACKAGE ROOT

Ends with a status other than 0, and says why, at the first thing that is not as it should be. The service's
command is run as systemd would: with the variables of the unit and of its file, in its folder, as a user
without rights.
"""

import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request

PACKAGE, ROOT = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
UNIT = ROOT / "usr/lib/systemd/system/kneepoint.service"
DEFAULTS = ROOT / "etc/default/kneepoint"
STATE = ROOT / "var/lib/private/kneepoint"
NOBODY = 65534
# What apt and dpkg note of themselves.
NOTES = re.compile(r"^(proc|sys|dev|run|tmp|var/(cache|log|lib/(apt|dpkg))|etc/ld\.so\.cache)(/|$)")


def inside(*command, check=True, **more):
    done = subprocess.run(["/usr/sbin/chroot", ROOT, *command], capture_output=True, text=True,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
                               "LC_ALL": "C.UTF-8", **proxies()}, **more)
    if check and done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def proxies():
    return {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}


def expect(true, why):
    if not true:
        sys.exit(why)


def tree():
    found = set()
    for folder, folders, files in os.walk(ROOT):
        at = pathlib.Path(folder).relative_to(ROOT)
        folders[:] = [name for name in folders if not NOTES.match((at / name).as_posix())]
        found.update((at / name).as_posix() for name in folders + files)
    return {path for path in found if not NOTES.match(path)}


def install():
    inside("apt-get", "install", "--yes", "--no-install-recommends", f"/tmp/{PACKAGE.name}")


def purge():
    inside("dpkg", "--purge", "kneepoint")


def setting(name):
    """The values of a line of the unit, in order."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.M)


def variables():
    found = dict(one.split("=", 1) for line in setting("Environment") for one in shlex.split(line))
    for line in DEFAULTS.read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found[name] = value
    return found


def service_command(found):
    """ExecStart as systemd reads it: ${X} is a word or part of one, $X as many words as it has."""
    words = []
    for word in setting("ExecStart")[0].split():
        bare = re.fullmatch(r"\$(\w+)", word)
        if bare:
            words += shlex.split(found.get(bare[1], ""))
        else:
            words.append(re.sub(r"\$\{(\w+)\}", lambda one: found.get(one[1], ""), word))
    return words


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def the_programs_run():
    expect(inside("kneepoint", "--version").stdout.startswith("kneepoint "), "kneepoint --version")
    expect(inside("kneepoint-serve", "--version").stdout.startswith("kneepoint "), "kneepoint-serve --version")
    listed = inside("env", "HOME=/tmp/home", "kneepoint", "models", "list")
    expect("openai/gpt-oss-120b" in listed.stdout, "models list: " + listed.stdout[:200])
    shutil.rmtree(ROOT / "tmp/home", ignore_errors=True)
    missing = inside("sh", "-c", "for one in /usr/bin/kneepoint* /usr/lib/kneepoint/*.so; do ldd $one; done")
    expect("not found" not in missing.stdout, missing.stdout)


def the_service_runs():
    # A folder of its own, as StateDirectory makes it for a dynamic user.
    STATE.mkdir(parents=True, mode=0o700)
    os.chown(STATE, NOBODY, NOBODY)
    STATE.parent.chmod(0o711)  # 0700 under systemd, which binds the folder into the service's own view
    (ROOT / "var/lib/kneepoint").symlink_to("private/kneepoint")
    DEFAULTS.write_text(DEFAULTS.read_text() + "KNEEPOINT_SERVE_FLAGS=--http=127.0.0.1:0 --grpc=127.0.0.1:0\n")
    found = variables()
    server = subprocess.Popen(["/usr/sbin/chroot", f"--userspec={NOBODY}:{NOBODY}", ROOT, *service_command(found)],
                              env={"PATH": "/usr/bin", **found}, stderr=subprocess.PIPE, text=True)
    try:
        said, url = "", None
        for line in server.stderr:
            said += line
            url = re.search(r"REST and console at (http://[0-9.:]+),", line)
            if url:
                break
        expect(url, said)
        expect(get(url[1] + "/healthz").strip() == "ok", "/healthz")
        expect(get(url[1] + "/readyz"), "/readyz")
        expect("openai/gpt-oss-120b" in get(url[1] + "/v1/models:fetch"), "/v1/models:fetch")
        expect('<div id="root">' in get(url[1] + "/"), "the console")
        expect((STATE / "kneepoint.db").exists(), "the store is not in the service's folder")
        server.send_signal(signal.SIGTERM)
        expect(server.wait(30) == 0, "SIGTERM does not end it well")
    finally:
        server.kill()
        server.stderr.close()


def systemd_takes_the_unit():
    done = inside("systemd-analyze", "verify", "--man=no", "kneepoint.service", check=False)
    expect(done.returncode == 0 and not done.stderr.strip(), f"systemd-analyze verify: {done.stderr}")
    inside("systemctl", "enable", "kneepoint.service")
    expect((ROOT / "etc/systemd/system/multi-user.target.wants/kneepoint.service").is_symlink(), "enable")
    # Where users, credentials and hardening of the unit leave it open.
    level = inside("systemd-analyze", "security", "--offline=true", "--threshold=20", "kneepoint.service", check=False)
    print("exposure:", level.stdout.strip().splitlines()[-1] if level.stdout else level.stderr)
    expect(level.returncode == 0, "systemd-analyze security: more exposed than 2.0")


def main():
    shutil.copy(PACKAGE, ROOT / "tmp")
    install()
    purge()
    before = tree()  # with what the package depends on
    install()
    own = inside("dpkg", "--listfiles", "kneepoint").stdout.split()
    expect("/usr/bin/kneepoint" in own and "/etc/default/kneepoint" in own, own)
    expect(inside("dpkg", "--verify", "kneepoint").stdout == "", "dpkg --verify")
    the_programs_run()
    systemd_takes_the_unit()
    the_service_runs()

    # Taken away and put back, what the operator wrote is still there; purged, nothing is.
    inside("dpkg", "--remove", "kneepoint")
    expect("--grpc=127.0.0.1:0" in DEFAULTS.read_text(), "removal took the operator's flags")
    expect((STATE / "kneepoint.db").exists(), "removal took the store")
    install()
    expect("--grpc=127.0.0.1:0" in DEFAULTS.read_text(), "an install took the operator's flags")
    purge()
    left = tree() - before - {"var/lib/private"}
    expect(not left, f"left behind: {sorted(left)}")
    expect(not before - tree(), f"gone: {sorted(before - tree())}")
    print("installed, run and purged")


if __name__ == "__main__":
    main()
