// The script that teaches bash the command. Names of resources are asked of the coordinator,
// briefly.

#include <fmt/format.h>

#include "cli/commands/commands.h"

namespace cdb::cli {
namespace {

constexpr const char* kBash =
    R"script(# bash completion for cdb; load it with: source <(cdb completion bash)
_cdb_names() {
  local global=() i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${COMP_WORDS[i]}" in
      -n|--namespace|--endpoint|--context) global+=("${COMP_WORDS[i]}" "${COMP_WORDS[i+1]}") ;;
    esac
  done
  cdb get "$1" -o name --timeout 2s "${global[@]}" 2>/dev/null | cut -d/ -f2
}

_cdb() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' kind='' third='' i
  local commands='apply diff get delete topology switchover failover maintenance rejoin events operations connect resolve catalogue context version completion'
  local kinds='mysql mysqlconfig orchestrator instance connector all'
  local global='--endpoint --context --namespace --timeout --help'
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${COMP_WORDS[i]}" in
      -n|--namespace|--endpoint|--context|--timeout|-o|--output|-f|--filename|--confirm|--to|--reason|--limit) ((i++)) ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=${COMP_WORDS[i]}; elif [[ -z $kind ]]; then kind=${COMP_WORDS[i]}; else third=${COMP_WORDS[i]}; fi ;;
    esac
  done
  case "$prev" in
    -f|--filename) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    -o|--output) mapfile -t COMPREPLY < <(compgen -W 'table wide json yaml name' -- "$cur"); return ;;
    --to) mapfile -t COMPREPLY < <(compgen -W "$(_cdb_names instance)" -- "$cur"); return ;;
    --context|--endpoint|-n|--namespace|--timeout|--reason|--limit|--confirm) return ;;
  esac
  if [[ -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$commands $global" -- "$cur")
    return
  fi
  local words=''
  case "$command" in
    apply) words='--filename --dry-run --wait --no-wait' ;;
    diff) words='--filename --exit-code' ;;
    get) words='--all-namespaces --output --watch' ;;
    delete) words='--filename --confirm --wait --no-wait' ;;
    topology) words='--watch --output' ;;
    switchover) words='--to --dry-run --wait --no-wait --output' ;;
    failover) words='--to --reason --allow-data-loss --confirm --yes --dry-run --wait --no-wait --output' ;;
    maintenance) words='--allow-unprotected --dry-run --wait --no-wait --output' ;;
    rejoin) words='--reseed --confirm --dry-run --wait --no-wait --output' ;;
    events) words='--watch --limit --all-namespaces --output' ;;
    operations) words='--watch --running --all-namespaces --output' ;;
    connect) words='--ro --print' ;;
    resolve|catalogue) words='--output' ;;
    completion) words='bash' ;;
  esac
  if [[ $cur != -* ]]; then
    case "$command" in
      get|delete) if [[ -z $kind ]]; then words=$kinds; else words=$(_cdb_names "$kind"); fi ;;
      maintenance|rejoin)
        if [[ -z $kind ]]; then words=$(_cdb_names mysql)
        elif [[ $command == maintenance && -n $third ]]; then words='on off'
        else words=$(_cdb_names instance); fi ;;
      topology|switchover|failover|events|operations|connect|resolve) words=$(_cdb_names mysql) ;;
    esac
  else
    words="$words $global"
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _cdb cdb
)script";

}  // namespace

Result<Exit> completion(World& world, const CompletionArgs& args) {
  if (args.shell != "bash") {
    return invalid(fmt::format("there is no completion for {}", args.shell), "bash is known");
  }
  world.out << kBash << std::flush;
  return Exit::Ok;
}

}  // namespace cdb::cli
