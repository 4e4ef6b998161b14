// Command list-tree prints what a file system shows of each file in a folder, one JSON object per line.
//
//	list-tree FOLDER
//
// Node cannot read extended attributes. An error of a system call is part of the output, because it can be what differs.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// entry is a file. Fields that do not apply to its type are empty.
type entry struct {
	// Path in the folder. Bytes that are not UTF-8 are escaped like in Go strings.
	Path  string `json:"path"`
	Type  string `json:"type"`
	Mode  string `json:"mode"`
	Owner string `json:"owner"`
	// Modification time in seconds and nanoseconds.
	Time string `json:"time"`
	// Size in bytes, of regular files.
	Size *int64 `json:"size,omitempty"`
	// Number of links, of all but folders.
	Links uint64 `json:"links,omitempty"`
	// First path of the same file.
	SameAs string            `json:"sameAs,omitempty"`
	Device string            `json:"device,omitempty"`
	Target string            `json:"target,omitempty"`
	Xattrs map[string]string `json:"xattrs,omitempty"`
	// Digest of the content, or the error of reading it.
	Content string `json:"content,omitempty"`
}

type inode struct{ device, number uint64 }

func main() {
	root := os.Args[1]
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	first := map[inode]string{}
	var visit func(path string)
	visit = func(path string) {
		file, isFolder := describe(root, path, first)
		if err := encoder.Encode(file); err != nil {
			panic(err)
		}
		if !isFolder {
			return
		}
		children, err := os.ReadDir(filepath.Join(root, path))
		if err != nil {
			fmt.Fprintln(os.Stderr, "list-tree:", err)
			os.Exit(1)
		}
		for _, child := range children {
			visit(path + "/" + child.Name())
		}
	}
	visit("")
}

func describe(root, path string, first map[inode]string) (entry, bool) {
	full := root + path
	file := entry{Path: printable(path)}
	if path == "" {
		file.Path = "/"
	}
	var stat syscall.Stat_t
	if err := syscall.Lstat(full, &stat); err != nil {
		file.Type = "error: " + err.Error()
		return file, false
	}
	file.Mode = fmt.Sprintf("%04o", stat.Mode&0o7777)
	file.Owner = fmt.Sprintf("%d:%d", stat.Uid, stat.Gid)
	file.Time = fmt.Sprintf("%d.%09d", stat.Mtim.Sec, stat.Mtim.Nsec)
	file.Xattrs = xattrs(full)
	format := stat.Mode & syscall.S_IFMT
	if format != syscall.S_IFDIR {
		file.Links = uint64(stat.Nlink)
		key := inode{uint64(stat.Dev), stat.Ino}
		if known, ok := first[key]; ok {
			file.SameAs = known
		} else {
			first[key] = file.Path
		}
	}
	switch format {
	case syscall.S_IFDIR:
		file.Type = "folder"
		return file, true
	case syscall.S_IFREG:
		file.Type = "file"
		file.Size = &stat.Size
		file.Content = digest(full)
	case syscall.S_IFLNK:
		file.Type = "symbolic link"
		target, err := os.Readlink(full)
		if err != nil {
			target = "error: " + err.Error()
		}
		file.Target = printable(target)
	case syscall.S_IFIFO:
		file.Type = "fifo"
	case syscall.S_IFCHR, syscall.S_IFBLK:
		file.Type = "character device"
		if format == syscall.S_IFBLK {
			file.Type = "block device"
		}
		// makedev(3)
		device := uint64(stat.Rdev)
		major := (device>>8)&0xfff | (device>>32)&^uint64(0xfff)
		minor := device&0xff | (device>>12)&^uint64(0xff)
		file.Device = fmt.Sprintf("%d:%d", major, uint32(minor))
	default:
		file.Type = fmt.Sprintf("type %o", format)
	}
	return file, false
}

func digest(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return "error: " + reason(err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "error: " + reason(err)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// reason returns an error without the path.
func reason(err error) string {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err.Error()
		}
		err = inner.Unwrap()
	}
}

// xattrs returns the extended attributes that are not overlayfs's own, with values in hexadecimal.
func xattrs(path string) map[string]string {
	names, errno := listXattrs(path)
	if errno != 0 {
		return map[string]string{"": "error: " + errno.Error()}
	}
	found := map[string]string{}
	list := strings.Split(strings.TrimRight(string(names), "\x00"), "\x00")
	sort.Strings(list)
	for _, name := range list {
		if name == "" || strings.HasPrefix(name, "trusted.overlay.") {
			continue
		}
		value, errno := readXattr(path, name)
		if errno != 0 {
			found[name] = "error: " + errno.Error()
		} else {
			found[name] = hex.EncodeToString(value)
		}
	}
	return found
}

// listXattrs returns the names of the attributes of a file, each with a zero byte. It does not follow symbolic links.
func listXattrs(path string) ([]byte, syscall.Errno) {
	file, err := syscall.BytePtrFromString(path)
	if err != nil {
		return nil, syscall.EINVAL
	}
	buffer := make([]byte, 1<<16)
	size, _, errno := syscall.Syscall(syscall.SYS_LLISTXATTR,
		uintptr(unsafe.Pointer(file)), uintptr(unsafe.Pointer(&buffer[0])), uintptr(len(buffer)))
	if errno != 0 {
		return nil, errno
	}
	return buffer[:size], 0
}

// readXattr returns the value of an attribute. It does not follow symbolic links.
func readXattr(path, name string) ([]byte, syscall.Errno) {
	file, err := syscall.BytePtrFromString(path)
	if err != nil {
		return nil, syscall.EINVAL
	}
	attribute, err := syscall.BytePtrFromString(name)
	if err != nil {
		return nil, syscall.EINVAL
	}
	buffer := make([]byte, 1<<16)
	size, _, errno := syscall.Syscall6(syscall.SYS_LGETXATTR, uintptr(unsafe.Pointer(file)),
		uintptr(unsafe.Pointer(attribute)), uintptr(unsafe.Pointer(&buffer[0])), uintptr(len(buffer)), 0, 0)
	if errno != 0 {
		return nil, errno
	}
	return buffer[:size], 0
}

// printable escapes bytes that are not UTF-8, control characters and backslashes like Go strings.
func printable(text string) string {
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
