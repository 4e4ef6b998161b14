// Runs the core rules of tflint, those of the preset "recommended", without the rest of tflint.
package lint

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/terraform-linters/tflint-plugin-sdk/helper"
	"github.com/terraform-linters/tflint-ruleset-terraform/rules"
	"github.com/terraform-linters/tflint-ruleset-terraform/terraform"
)

// MODULE is the folder of the module.
func TestModule(t *testing.T) {
	files := map[string]string{}
	paths, err := filepath.Glob(filepath.Join(os.Getenv("MODULE"), "*.tf"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no module", err)
	}
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = string(source)
	}
	for _, rule := range rules.PresetRules["recommended"] {
		runner := helper.TestRunner(t, files)
		if err := rule.Check(terraform.NewRunner(runner)); err != nil {
			t.Error(rule.Name(), err)
		}
		for _, issue := range runner.Issues {
			t.Error(rule.Name(), issue.Message, issue.Range)
		}
		t.Log(rule.Name(), "checked")
	}
}
