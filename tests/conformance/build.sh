#!/usr/bin/env bash
# Builds the conformance tier's programs into build/controlplane/ from the Go module proxy, at the versions that the
# go.mod files beside this script pin. The first time takes minutes; afterwards Go's cache answers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=$PWD/../../build/controlplane
mkdir -p "$out"
stamp=$(cat controlplane/go.mod controlplane/go.sum kwok/go.mod kwok/go.sum "${BASH_SOURCE[0]##*/}" | sha256sum)
[ "$(cat "$out/.stamp" 2>/dev/null)" = "$stamp" ] && exit 0
export GOFLAGS=-mod=readonly CGO_ENABLED=0
said=
# What a release build would say of itself; clients compare it.
version=$(cd controlplane && go list -m -f '{{.Version}}' k8s.io/kubernetes)
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  said+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=34 -X $package.gitTreeState=clean"
done
(cd controlplane && go build -trimpath -ldflags="-s -w$said" -o "$out/" \
  k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager \
  k8s.io/kubernetes/cmd/kube-scheduler k8s.io/kubernetes/cmd/kubectl go.etcd.io/etcd/server/v3)
mv "$out/server" "$out/etcd"
(cd kwok && go build -trimpath -ldflags='-s -w' -o "$out/" sigs.k8s.io/kwok/cmd/kwok)
echo "$stamp" >"$out/.stamp"
