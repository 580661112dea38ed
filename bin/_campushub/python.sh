# Sets $python to the first interpreter that is new enough; sourced by the commands in bin/.
# $CAMPUSHUB_PYTHON names one explicitly.
python=
for candidate in ${CAMPUSHUB_PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "CampusHub needs Python 3.11 or newer: install it (Debian 12+, Ubuntu 24.04+: apt-get install python3 python3-venv) or name it in CAMPUSHUB_PYTHON." >&2
    exit 1
fi
