// Evaluates the Terraform module with HashiCorp's parser and expression language, without providers.
//
//	evaluate MODULE < CASES
//
// CASES is a JSON list of objects with values of variables. The output is a list with, for each case, the resources and
// outputs, or the messages of the validations that fail. An attribute of a resource that AWS would return is the text
// ${ADDRESS.ATTRIBUTE}. The first item of the output lists problems of the module: files that are not formatted as
// `terraform fmt` does, declarations that nothing refers to, and resources that refer to themselves through others.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// Values of data sources.
var data = map[string]cty.Value{
	"aws_caller_identity": object("account_id", "123456789012"),
	"aws_partition":       object("partition", "aws"),
	"aws_region":          object("region", "us-east-1"),
}

// Attributes that AWS returns and that the module refers to.
var attributes = []string{"arn", "id", "name", "url", "function_name"}

// Arguments of resources that the language evaluates.
var metaArguments = map[string]bool{"count": true, "for_each": true, "depends_on": true}

type module struct {
	variables, resources, outputs map[string]*hclsyntax.Body
	locals                        map[string]hclsyntax.Expression
}

type result struct {
	Errors    []string                   `json:"errors,omitempty"`
	Resources map[string]json.RawMessage `json:"resources,omitempty"`
	Outputs   map[string]json.RawMessage `json:"outputs,omitempty"`
}

func main() {
	parsed, problems := parse(os.Args[1])
	problems = append(problems, parsed.findUnusedAndCycles()...)
	var cases []map[string]json.RawMessage
	check(json.NewDecoder(os.Stdin).Decode(&cases))
	answers := []any{problems}
	for _, given := range cases {
		answers = append(answers, evaluate(parsed, given))
	}
	check(json.NewEncoder(os.Stdout).Encode(answers))
}

func parse(folder string) (*module, []string) {
	parsed := &module{map[string]*hclsyntax.Body{}, map[string]*hclsyntax.Body{}, map[string]*hclsyntax.Body{}, map[string]hclsyntax.Expression{}}
	problems := []string{}
	files, err := filepath.Glob(filepath.Join(folder, "*.tf"))
	check(err)
	for _, path := range files {
		source, err := os.ReadFile(path)
		check(err)
		if !bytes.Equal(hclwrite.Format(source), source) {
			problems = append(problems, filepath.Base(path)+" is not formatted")
		}
		file, diagnostics := hclsyntax.ParseConfig(source, filepath.Base(path), hcl.InitialPos)
		fail(diagnostics)
		for _, block := range file.Body.(*hclsyntax.Body).Blocks {
			switch block.Type {
			case "variable":
				parsed.variables[block.Labels[0]] = block.Body
			case "resource":
				parsed.resources[strings.Join(block.Labels, ".")] = block.Body
			case "output":
				parsed.outputs[block.Labels[0]] = block.Body
			case "locals":
				for name, attribute := range block.Body.Attributes {
					parsed.locals[name] = attribute.Expr
				}
			}
		}
	}
	return parsed, problems
}

// Evaluation of the module with one set of variables.
type evaluation struct {
	*module
	vars map[string]cty.Value
	// Values of locals and resources that were evaluated already.
	known map[string]cty.Value
}

func evaluate(parsed *module, given map[string]json.RawMessage) result {
	run := &evaluation{parsed, map[string]cty.Value{}, map[string]cty.Value{}}
	if errors := run.setVariables(given); len(errors) > 0 {
		return result{Errors: errors}
	}
	made := result{Resources: map[string]json.RawMessage{}, Outputs: map[string]json.RawMessage{}}
	for address, body := range parsed.resources {
		for suffix, each := range run.instances(address) {
			made.Resources[address+suffix] = toJSON(run.body(body, each))
		}
	}
	for name, body := range parsed.outputs {
		made.Outputs[name] = toJSON(run.value(body.Attributes["value"].Expr, nil))
	}
	return made
}

// Converts the given values to the types of the variables, and returns the messages of validations that fail.
func (run *evaluation) setVariables(given map[string]json.RawMessage) []string {
	errors := []string{}
	for name := range given {
		if run.variables[name] == nil {
			errors = append(errors, "no variable "+name)
		}
	}
	for name, body := range run.variables {
		wanted, problems := typeexpr.TypeConstraint(body.Attributes["type"].Expr)
		fail(problems)
		value := cty.NilVal
		// No variable is nullable.
		if text, isGiven := given[name]; isGiven && string(text) != "null" {
			implied, err := ctyjson.ImpliedType(text)
			check(err)
			value, err = ctyjson.Unmarshal(text, implied)
			check(err)
		} else if attribute := body.Attributes["default"]; attribute != nil {
			value = run.value(attribute.Expr, nil)
		} else {
			errors = append(errors, name+" has no value")
			value = cty.NullVal(wanted)
		}
		converted, err := convert.Convert(value, wanted)
		if err != nil {
			errors = append(errors, name+": "+err.Error())
			converted = cty.NullVal(wanted)
		}
		run.vars[name] = converted
	}
	if len(errors) > 0 {
		return errors
	}
	for _, body := range run.variables {
		for _, block := range body.Blocks {
			if run.value(block.Body.Attributes["condition"].Expr, nil).False() {
				errors = append(errors, run.value(block.Body.Attributes["error_message"].Expr, nil).AsString())
			}
		}
	}
	return errors
}

// Evaluates an expression, and first what it refers to.
func (run *evaluation) value(expression hcl.Expression, extra map[string]cty.Value) cty.Value {
	locals, types, values := map[string]cty.Value{}, map[string]map[string]cty.Value{}, map[string]cty.Value{}
	for _, traversal := range expression.Variables() {
		root := traversal.RootName()
		switch {
		case root == "var":
			values["var"] = cty.ObjectVal(run.vars)
		case root == "local":
			locals[label(traversal)] = run.local(label(traversal))
		case root == "data":
			values["data"] = cty.ObjectVal(map[string]cty.Value{label(traversal): cty.ObjectVal(map[string]cty.Value{"current": data[label(traversal)]})})
		case strings.HasPrefix(root, "aws_"):
			if types[root] == nil {
				types[root] = map[string]cty.Value{}
			}
			types[root][label(traversal)] = run.resource(root + "." + label(traversal))
		}
	}
	if len(locals) > 0 {
		values["local"] = cty.ObjectVal(locals)
	}
	for name, made := range types {
		values[name] = cty.ObjectVal(made)
	}
	for name, value := range extra {
		values[name] = value
	}
	value, problems := expression.Value(&hcl.EvalContext{Variables: values, Functions: functions})
	fail(problems)
	return value
}

func (run *evaluation) local(name string) cty.Value {
	if value, isKnown := run.known["local."+name]; isKnown {
		return value
	}
	if run.locals[name] == nil {
		panic("no local " + name)
	}
	value := run.value(run.locals[name], nil)
	run.known["local."+name] = value
	return value
}

// Returns the instances of a resource: the end of the address, and the variable `each`.
func (run *evaluation) instances(address string) map[string]map[string]cty.Value {
	body := run.resources[address]
	if body == nil {
		panic("no resource " + address)
	}
	instances := map[string]map[string]cty.Value{}
	if count := body.Attributes["count"]; count != nil {
		if run.value(count.Expr, nil).Equals(cty.NumberIntVal(1)).True() {
			instances["[0]"] = nil
		}
	} else if forEach := body.Attributes["for_each"]; forEach != nil {
		for key, value := range run.value(forEach.Expr, nil).AsValueMap() {
			instances[fmt.Sprintf("[%q]", key)] = map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(key), "value": value})}
		}
	} else {
		instances[""] = nil
	}
	return instances
}

// Returns what an expression gets for a resource: an object, or a list or map of objects.
func (run *evaluation) resource(address string) cty.Value {
	if value, isKnown := run.known[address]; isKnown {
		return value
	}
	body := run.resources[address]
	items, keyed := []cty.Value{}, map[string]cty.Value{}
	for suffix := range run.instances(address) {
		fields := []string{}
		for _, name := range attributes {
			fields = append(fields, name, "${"+address+suffix+"."+name+"}")
		}
		items = append(items, object(fields...))
		keyed[strings.Trim(suffix, `[]"`)] = items[len(items)-1]
	}
	value := cty.TupleVal(items)
	if body.Attributes["for_each"] != nil {
		value = cty.ObjectVal(keyed)
	} else if body.Attributes["count"] == nil {
		value = items[0]
	}
	run.known[address] = value
	return value
}

// Evaluates a body: its arguments, and its blocks as lists.
func (run *evaluation) body(body *hclsyntax.Body, extra map[string]cty.Value) cty.Value {
	fields := map[string]cty.Value{}
	for name, attribute := range body.Attributes {
		if !metaArguments[name] {
			fields[name] = run.value(attribute.Expr, extra)
		}
	}
	blocks := map[string][]cty.Value{}
	for _, block := range body.Blocks {
		if block.Type != "dynamic" {
			blocks[block.Type] = append(blocks[block.Type], run.body(block.Body, extra))
			continue
		}
		name := block.Labels[0]
		for _, item := range run.value(block.Body.Attributes["for_each"].Expr, extra).AsValueSlice() {
			inner := map[string]cty.Value{name: cty.ObjectVal(map[string]cty.Value{"value": item})}
			blocks[name] = append(blocks[name], run.body(block.Body.Blocks[0].Body, inner))
		}
	}
	for name, items := range blocks {
		fields[name] = cty.TupleVal(items)
	}
	return cty.ObjectVal(fields)
}

func label(traversal hcl.Traversal) string {
	return traversal[1].(hcl.TraverseAttr).Name
}

func object(pairs ...string) cty.Value {
	fields := map[string]cty.Value{}
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i]] = cty.StringVal(pairs[i+1])
	}
	return cty.ObjectVal(fields)
}

func toJSON(value cty.Value) json.RawMessage {
	text, err := ctyjson.Marshal(value, value.Type())
	check(err)
	return text
}

func fail(problems hcl.Diagnostics) {
	if problems.HasErrors() {
		panic(problems.Error())
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
