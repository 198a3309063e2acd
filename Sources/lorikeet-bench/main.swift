print("lorikeet-bench")
