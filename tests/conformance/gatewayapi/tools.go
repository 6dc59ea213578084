//go:build tools

// Pins the Gateway API module, whose CRDs tools/generate_schemas.py reads.
package gatewayapi
