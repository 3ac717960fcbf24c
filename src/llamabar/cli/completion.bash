%(complete_func)s() {
    local IFS=$'\n' line="${COMP_LINE:0:COMP_POINT}" type value
    local word="${line##* }"
    local head="${word%%"${word##*:}"}"
    [[ $COMP_WORDBREAKS == *:* ]] || head=""
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
            plain) COMPREPLY+=("${value#"$head"}") ;;
            file) while read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$word") ;;
        esac
    done < <(COMP_WORDS="$line" %(complete_var)s=bash_complete %(prog_name)s 2>/dev/null)
}
complete -F %(complete_func)s %(prog_name)s
