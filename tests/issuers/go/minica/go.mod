module selvage.invalid/minica

go 1.26.8

tool github.com/jsha/minica

require github.com/jsha/minica v1.1.0 // indirect
