# Compiled by `opa build -t wasm -e selvage/decision opa_policy.rego` (OPA 1.22.4) to opa_policy.wasm.
# Who may call what, as OPA decides it: `rule` names what decided.
package selvage

default decision := {"allow": false, "rule": "no rule allows it"}

decision := {"allow": false, "rule": "never drop"} if input.routine == "math.drop"

decision := {"allow": true, "rule": "batch"} if {
	input.routine != "math.drop"
	startswith(input.routine, "math.")
	startswith(input.peer, "spiffe://example.org/batch/")
}

decision := {"allow": true, "rule": "admins"} if {
	input.routine != "math.drop"
	not startswith(input.peer, "spiffe://example.org/batch/")
	"admin" in input.claims.groups
}
