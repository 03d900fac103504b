# bash completion of hvmux(1). What may follow is known to the program itself: "hvmux complete" prints one candidate
# per line, a description may follow after a tab.
_hvmux()
{
	local -a words=()
	local i word glue= before candidate

	# bash cuts words at "=" and ":"; "--mode=acpi" and "qemu:///system" are one.
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word == [=:]* && ${#words[@]} -gt 0 ]]; then
			words[-1]+=$word
			glue=yes
		elif [[ $glue ]]; then
			words[-1]+=$word
			glue=
		else
			words+=("$word")
		fi
	done
	word=${COMP_WORDS[COMP_CWORD]}
	[[ $word == [=:]* ]] && word=
	before=${words[-1]%"$word"}

	COMPREPLY=()
	while IFS=$'\t' read -r candidate _; do
		printf -v candidate %q "${candidate#"$before"}"
		COMPREPLY+=("$candidate")
	done < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null)
}
complete -o default -F _hvmux hvmux
