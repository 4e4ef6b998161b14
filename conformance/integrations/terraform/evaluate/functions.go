package main

import (
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// The functions of Terraform that the module calls. Most are those of its own library.
var functions = map[string]function.Function{
	"alltrue": compute(cty.List(cty.Bool), func(list cty.Value) cty.Value {
		for _, item := range list.AsValueSlice() {
			if item.False() {
				return cty.False
			}
		}
		return cty.True
	}),
	"can":        tryfunc.CanFunc,
	"try":        tryfunc.TryFunc,
	"concat":     stdlib.ConcatFunc,
	"contains":   stdlib.ContainsFunc,
	"distinct":   stdlib.DistinctFunc,
	"floor":      stdlib.FloorFunc,
	"join":       stdlib.JoinFunc,
	"jsonencode": stdlib.JSONEncodeFunc,
	"length": compute(cty.DynamicPseudoType, func(value cty.Value) cty.Value {
		if value.Type() == cty.String {
			return cty.NumberIntVal(int64(len([]rune(value.AsString()))))
		}
		return cty.NumberIntVal(int64(value.LengthInt()))
	}),
	"merge": stdlib.MergeFunc,
	"regex": stdlib.RegexFunc,
	"replace": texts(cty.String, func(text []string) cty.Value {
		if pattern := strings.Trim(text[1], "/"); len(pattern) == len(text[1])-2 {
			return cty.StringVal(regexp.MustCompile(pattern).ReplaceAllString(text[0], text[2]))
		}
		return cty.StringVal(strings.ReplaceAll(text[0], text[1], text[2]))
	}),
	"setproduct":  stdlib.SetProductFunc,
	"split":       stdlib.SplitFunc,
	"startswith":  texts(cty.Bool, func(text []string) cty.Value { return cty.BoolVal(strings.HasPrefix(text[0], text[1])) }),
	"strcontains": texts(cty.Bool, func(text []string) cty.Value { return cty.BoolVal(strings.Contains(text[0], text[1])) }),
	"tonumber":    stdlib.MakeToFunc(cty.Number),
	"tostring":    stdlib.MakeToFunc(cty.String),
	"trimspace":   stdlib.TrimSpaceFunc,
}

// A function of one value.
func compute(parameter cty.Type, of func(cty.Value) cty.Value) function.Function {
	result := cty.Number
	if parameter != cty.DynamicPseudoType {
		result = cty.Bool
	}
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: parameter}},
		Type:   function.StaticReturnType(result),
		Impl:   func(values []cty.Value, _ cty.Type) (cty.Value, error) { return of(values[0]), nil },
	})
}

// A function of texts.
func texts(result cty.Type, of func([]string) cty.Value) function.Function {
	return function.New(&function.Spec{
		VarParam: &function.Parameter{Name: "texts", Type: cty.String},
		Type:     function.StaticReturnType(result),
		Impl: func(values []cty.Value, _ cty.Type) (cty.Value, error) {
			words := []string{}
			for _, value := range values {
				words = append(words, value.AsString())
			}
			return of(words), nil
		},
	})
}
