#!/bin/sh
# llamabar, one file: a Python program behind this header.
# It looks for a real Python (macOS's /usr/bin/python3 may be a stub that opens a dialog) and starts the program
# where it was unpacked before; the first time, or when anything is missing, it unpacks it.
py=
for c in "$LLAMABAR_PYTHON" /opt/homebrew/bin/python3 /usr/local/bin/python3 \
  /Library/Frameworks/Python.framework/Versions/Current/bin/python3 \
  /Library/Developer/CommandLineTools/usr/bin/python3 \
  /Applications/Xcode.app/Contents/Developer/usr/bin/python3
do [ -n "$c" ] && [ -x "$c" ] && { py=$c; break; }; done
[ -n "$py" ] || [ "$(uname)" = Darwin ] || py=$(command -v python3)
if [ -z "$py" ]; then
  if [ -n "$SWIFTBAR" ]; then
    printf 'llamabar|sfimage=exclamationmark.triangle\n---\nllamabar: needs Python 3.9 or newer\nInstall: xcode-select --install\n~~~\n'
    exec sleep 2147483647
  fi
  echo 'llamabar needs Python 3.9 or newer, and found none. Install it: xcode-select --install' >&2
  exit 1
fi
LLAMABAR_FILE=$0
export LLAMABAR_FILE
if [ -z "$SHIV_FORCE_EXTRACT$SHIV_INTERPRETER$SHIV_ENTRY_POINT$SHIV_MODULE$SHIV_CONSOLE_SCRIPT" ]; then
  for d in "${SHIV_ROOT:-$HOME/.shiv}"/*_@BUILD_ID@/site-packages/llamabar/launch.py
  do [ -f "$d" ] && exec "$py" -I -S "$d" "$@"; done
fi
exec "$py" -I "$0" "$@"
exit 127
