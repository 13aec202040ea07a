module example.org/selvage/call

go 1.22
