#!/bin/sh
# llamabar, one file: a Python program behind this header. All of it stands in braces, so that a file that was cut
# off here does nothing. It starts the program where it was unpacked before, with the Python that did it; the first
# time, or when anything is missing, it looks for a real Python (macOS's /usr/bin/python3 may be a stub that opens a
# dialog) and has it unpack the program.
{
LLAMABAR_FILE=$0
# glibc alone reads these: threads that share one heap, and large blocks that go back to the system, save a third
MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX:-1} MALLOC_MMAP_THRESHOLD_=${MALLOC_MMAP_THRESHOLD_:-131072}
export LLAMABAR_FILE MALLOC_ARENA_MAX MALLOC_MMAP_THRESHOLD_
if [ -z "$SHIV_FORCE_EXTRACT$SHIV_INTERPRETER$SHIV_ENTRY_POINT$SHIV_MODULE$SHIV_CONSOLE_SCRIPT" ]; then
  d=${SHIV_ROOT:-$HOME/.shiv}/llamabar.pyz_@BUILD_ID@
  if [ -O "$d/python" ] && { read -r asked; read -r py; } <"$d/python" && [ "$asked" = "$LLAMABAR_PYTHON" ] &&
    [ -x "$py" ] && [ -s "$d/site-packages/llamabar/boot/start.py" ]
  then
    while read -r line; do last=$line; done <"$d/site-packages/llamabar/boot/start.py"
    [ "$last" != 'start()' ] || exec "$py" -I -S "$d/site-packages/llamabar/boot/start.py" "$@"
  fi
fi

usable() {
  v=$("$1" -E -S -c 'import sys; print("%d.%d" % sys.version_info[:2])' </dev/null 2>/dev/null) || return 1
  case $v in 3.9 | 3.[1-9][0-9]) py=$1; return 0 ;; esac
  old=", and $1 is $v"
  return 1
}
find_python() {
  py= old=
  if [ -n "$LLAMABAR_PYTHON" ]; then
    usable "$LLAMABAR_PYTHON" || old=${old:-", and $LLAMABAR_PYTHON is none"}
    return
  fi
  for c in /opt/homebrew/bin/python3 /usr/local/bin/python3 \
    /Library/Frameworks/Python.framework/Versions/Current/bin/python3 \
    /Library/Developer/CommandLineTools/usr/bin/python3 \
    /Applications/Xcode.app/Contents/Developer/usr/bin/python3 "$(command -v python3)" /usr/bin/python3
  do
    [ -x "$c" ] || continue
    [ -d /System/Library/CoreServices ] && [ "$c" -ef /usr/bin/python3 ] && continue
    usable "$c" && return
  done
}
look() {
  find_python
  if [ -z "$py" ]; then
    what="needs Python 3.9 or newer$old"
    todo='Install one: xcode-select --install'
    [ -z "$LLAMABAR_PYTHON" ] || todo='LLAMABAR_PYTHON names it: change or unset that'
  elif ! "$py" -E -S -c 'import sys; f = open(sys.argv[1], "rb"); f.seek(-22, 2); sys.exit(f.read(4) != b"PK\5\6")' \
    "$0" </dev/null 2>/dev/null
  then
    what='the file is incomplete: its download was interrupted'
    todo="Download it again: $0"
  else exec "$py" -I "$0" "$@"; fi
}
look "$@"
if [ -z "$SWIFTBAR" ] || [ "${1:-stream}" != stream ]; then
  printf 'llamabar: %s.\n%s\n' "$what" "$todo" >&2
  exit 1
fi
shown=
while kill -0 "$PPID" 2>/dev/null; do
  if [ "$shown" != "$what$todo" ]; then
    shown=$what$todo
    printf '|sfimage=exclamationmark.triangle\n---\nllamabar: %s\n%s\n~~~\n' \
      "$(printf %s "$what" | /usr/bin/tr '|\n' '  ')" "$(printf %s "$todo" | /usr/bin/tr '|\n' '  ')" || exit 0
  fi
  /bin/sleep 3 </dev/null >/dev/null 2>&1
  look "$@"
done
exit 0
}
