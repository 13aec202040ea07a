module selvage.invalid/files

go 1.24
