//go:build tools

// Package tools pins the program that the conformance tier builds.
package tools

import _ "sigs.k8s.io/kwok/cmd/kwok"
