// Command reference runs the reference implementation, the Go module github.com/awslabs/soci-snapshotter, to compare its
// output with ours byte for byte.
//
//	reference ztoc [-span N] [-algorithm gzip|uncompressed] [-tool S] LAYER...
//	reference index -v 1|2 [-span N] [-min N] [-tool S] [-xattr] [-prefetch PATH]... LAYOUT OUT
//	reference cat ZTOC LAYER PATH
//	reference pull HOST/REPOSITORY:TAG
//	reference serve
//
// serve answers requests from standard input, one JSON object per line, with one JSON object per line: see request. This
// avoids starting a process for each of thousands of comparisons. It does not support index.
//
// pull uses plain HTTP, and reads the credentials from REGISTRY_USER and REGISTRY_PASSWORD.
//
// The reference writes file times in the local time zone. This program always uses UTC.
package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// stdout is for answers only. The reference prints progress to os.Stdout, which main redirects.
var stdout = os.Stdout

func main() {
	time.Local = time.UTC
	os.Stdout = os.Stderr
	if len(os.Args) < 2 {
		fatal(errors.New("usage: reference ztoc|index|cat|pull|serve ..."))
	}
	var err error
	switch command, args := os.Args[1], os.Args[2:]; command {
	case "ztoc":
		err = ztocCommand(args)
	case "index":
		err = indexCommand(args)
	case "cat":
		err = catCommand(args)
	case "pull":
		err = pullCommand(args)
	case "serve":
		err = serve(os.Stdin, stdout)
	default:
		err = fmt.Errorf("unknown command %q", command)
	}
	if err != nil {
		fatal(err)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "reference:", err)
	os.Exit(1)
}

func ztocCommand(args []string) error {
	flags := flag.NewFlagSet("ztoc", flag.ExitOnError)
	span := flags.Int64("span", 1<<22, "span size in bytes")
	algorithm := flags.String("algorithm", "gzip", "compression of the layer: gzip or uncompressed")
	tool := flags.String("tool", defaultTool, "build tool identifier")
	flags.Parse(args)
	encoder := json.NewEncoder(stdout)
	for _, layer := range flags.Args() {
		answer := buildZtoc(layer, *span, *algorithm, *tool, false)
		answer.Layer = filepath.Base(layer)
		if err := encoder.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

type pathList []string

func (p *pathList) String() string        { return strings.Join(*p, ",") }
func (p *pathList) Set(path string) error { *p = append(*p, path); return nil }

func indexCommand(args []string) error {
	flags := flag.NewFlagSet("index", flag.ExitOnError)
	options := indexOptions{}
	flags.IntVar(&options.Version, "v", 2, "SOCI index version, 1 or 2")
	flags.Int64Var(&options.SpanSize, "span", 1<<22, "span size in bytes")
	flags.Int64Var(&options.MinLayerSize, "min", 10<<20, "minimum layer size in bytes")
	flags.StringVar(&options.Tool, "tool", defaultTool, "build tool identifier")
	flags.BoolVar(&options.Xattr, "xattr", false, "turn the xattr optimization on")
	flags.Var((*pathList)(&options.Prefetch), "prefetch", "path to prefetch (repeatable)")
	flags.Parse(args)
	if flags.NArg() != 2 {
		return errors.New("index wants LAYOUT OUT")
	}
	roots, err := buildIndex(flags.Arg(0), flags.Arg(1), options)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(roots)
}

func catCommand(args []string) error {
	if len(args) != 3 {
		return errors.New("cat wants ZTOC LAYER PATH")
	}
	encoded, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	answer := extractFile(encoded, args[1], args[2])
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	data, err := base64.StdEncoding.DecodeString(answer.Bytes)
	if err != nil {
		return err
	}
	_, err = stdout.Write(data)
	return err
}

func pullCommand(args []string) error {
	if len(args) != 1 {
		return errors.New("pull wants HOST/REPOSITORY:TAG")
	}
	found, err := pullIndexes(args[0], os.Getenv("REGISTRY_USER"), os.Getenv("REGISTRY_PASSWORD"))
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(found)
}
