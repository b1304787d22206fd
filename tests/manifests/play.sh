# The commands of a page run after these lines, in a copy of the manifests: what they would tell a cluster, a registry or an account is
# written down, and what can be done without any is done. $PLAY has `kubectl`, and `overlay`, which is what Terraform would write.
set -euo pipefail

note() { printf '%s\037' "$@" >> "$PLAY/log"; echo >> "$PLAY/log"; }
make() { { echo ---; cat; } >> "$PLAY/made"; }

kubectl() {
    note kubectl "$@"
    case " $* " in
        *" apply -k "*) count=$(ls "$PLAY" | grep -c '^rendered-' || true); "$PLAY/kubectl" kustomize "${@: -1}" > "$PLAY/rendered-$count" ;;
        *" delete -k "*) [ -f "${@: -1}/kustomization.yaml" ] ;;
        *" apply -f - "*) make ;;
        *" create "*" --dry-run=client "* | *" label --local "*) "$PLAY/kubectl" "$@" ;;
        *" create "*) "$PLAY/kubectl" "$@" --dry-run=client -o yaml | make ;;
        *" get secret "*) echo Y2VydGlmaWNhdGU= ;;
        *" get persistentvolumes "*) echo vol-1 ;;
        *" exec -i "*) cat > /dev/null ;;
        *" --patch-file "*) [ -f "${@: -1}" ] ;;
    esac
}
podman() {
    note podman "$@"
    [ "$1" != login ] || cat > /dev/null
}
terraform() {
    [ "${*: -3:2}" = "output -raw" ] || return 0
    case "${@: -1}" in
        kustomization) cat "$PLAY/overlay" ;;
        registry) echo 123456789012.dkr.ecr.eu-central-1.amazonaws.com ;;
        broker_address) echo b-1234.mq.eu-central-1.on.aws:5671 ;;
        broker_console) echo https://b-1234.mq.eu-central-1.on.aws ;;
        cluster) echo shop ;;
        *) return 1 ;;
    esac
}
aws() {
    case "$1 $2" in
        "sts get-caller-identity") echo 123456789012 ;;
        "ecr get-login-password") echo token ;;
        "s3api list-object-versions") printf 'garenne/shop.tfstate\t1\n' ;;
        "mq describe-broker") echo /aws/amazonmq/broker/b-1234/general ;;
    esac
}
openssl() { echo "a$RANDOM$RANDOM"; }
git() { echo 4f2c1e0; }
curl() { echo 203.0.113.7; }
helm() { note helm "$@"; }
psql() { note psql "$@"; cat > /dev/null; }
kind() { :; }
cargo() { :; }
