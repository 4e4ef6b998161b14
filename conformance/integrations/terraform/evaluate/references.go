package main

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Terraform orders resources by their references, and rejects cycles. tflint rejects unused declarations.
func (parsed *module) findUnusedAndCycles() []string {
	references := map[string][]string{}
	for name := range parsed.variables {
		references["var."+name] = nil
	}
	for name, expression := range parsed.locals {
		references["local."+name] = names(expression.Variables())
	}
	for address, body := range parsed.resources {
		references[address] = referencesOf(body)
	}
	used := map[string]bool{}
	for _, list := range references {
		for _, name := range list {
			used[name] = true
		}
	}
	for _, body := range parsed.outputs {
		for _, name := range referencesOf(body) {
			used[name] = true
		}
	}
	problems := []string{}
	for name := range references {
		if !used[name] && (strings.HasPrefix(name, "var.") || strings.HasPrefix(name, "local.")) {
			problems = append(problems, name+" is not used")
		}
		if slices.Contains(reachable(references, name), name) {
			problems = append(problems, name+" refers to itself")
		}
	}
	return problems
}

// Returns everything that a declaration refers to, directly or through others.
func reachable(references map[string][]string, from string) []string {
	seen, left := []string{}, references[from]
	for len(left) > 0 {
		next := left[0]
		left = left[1:]
		if !slices.Contains(seen, next) {
			seen = append(seen, next)
			left = append(slices.Clone(left), references[next]...)
		}
	}
	return seen
}

func referencesOf(body *hclsyntax.Body) []string {
	found := []string{}
	for _, attribute := range body.Attributes {
		found = append(found, names(attribute.Expr.Variables())...)
	}
	for _, block := range body.Blocks {
		found = append(found, referencesOf(block.Body)...)
	}
	return found
}

func names(traversals []hcl.Traversal) []string {
	found := []string{}
	for _, traversal := range traversals {
		if root := traversal.RootName(); root == "var" || root == "local" || strings.HasPrefix(root, "aws_") {
			found = append(found, root+"."+label(traversal))
		}
	}
	return found
}
