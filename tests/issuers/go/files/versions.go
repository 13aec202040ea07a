package files

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
)

// Version is one version of credentials in PEM.
type Version struct {
	CA, Certificate, Key []byte
}

// EachVersion calls write for every folder that standard input names, a line each, with what the
// folder holds, and prints the folder once it is written.
func EachVersion(write func(Version)) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		folder := lines.Text()
		read := func(name string) []byte {
			text, err := os.ReadFile(filepath.Join(folder, name))
			Check(err)
			return text
		}
		write(Version{CA: read("ca.pem"), Certificate: read("cert.pem"), Key: read("key.pem")})
		fmt.Println(folder)
	}
	Check(lines.Err())
}
